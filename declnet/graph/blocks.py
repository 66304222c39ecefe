"""Memory that is allocated once: blocks of values, buffers of layers, and views of both."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Dtype, Shape
from declnet.components.parameter import Buffer
from declnet.graph.nodes import Node
from declnet.graph.orders import Order


def batch_view(block: Array, shape: Shape, n: int, order: Order = "feature_major") -> Array:
    """The start of a flat block as n samples of a shape, the batch axis contiguous or first.

    Returns:
        A view of shape (n, *shape). Each n has its own contiguous view, since slicing a larger one
        makes ufuncs two to three times slower.
    """
    if not shape:
        return block[:n]
    if order == "sample_major":
        return block[: n * prod(shape)].reshape(n, *shape)
    return np.moveaxis(block[: n * prod(shape)].reshape(*shape, n), -1, 0)


class Blocks:
    """The blocks of a plan.

    Args:
        sizes: of each block, in numbers a sample.
        capacity: the largest batch.
        dtype: the model's float type.
    """

    def __init__(self, sizes: Sequence[int], capacity: int, dtype: Dtype) -> None:
        self._arrays = [np.empty(size * capacity, dtype) for size in sizes]

    def view(self, block: int, shape: Shape, n: int, order: Order) -> Array:
        """A block as n samples of a shape."""
        return batch_view(self._arrays[block], shape, n, order)


class LayerBuffers:
    """The buffers of one layer; those with a batch axis are in the order of its output."""

    def __init__(
        self, node: Node, capacity: int, dtype: Dtype, order: Order = "feature_major"
    ) -> None:
        self._buffers, self._order = node.buffers, order
        self._arrays = {
            name: _allocate(buffer, capacity, dtype) for name, buffer in node.buffers.items()
        }

    def views(self, n: int) -> dict[str, Array]:
        """Every buffer by name, for batches of n samples."""
        return {
            name: batch_view(array, self._buffers[name].shape, n, self._order)
            if self._buffers[name].per_sample
            else array
            for name, array in self._arrays.items()
        }


def buffer_dtype(buffer: Buffer, dtype: Dtype) -> Dtype:
    """The dtype of a buffer: its own, or the model's float type."""
    return dtype if buffer.dtype is None else np.dtype(buffer.dtype)


def _allocate(buffer: Buffer, capacity: int, dtype: Dtype) -> Array:
    shape: Any = prod(buffer.shape) * capacity if buffer.per_sample else buffer.shape
    if buffer.fill is None:
        return np.empty(shape, buffer_dtype(buffer, dtype))
    return np.full(shape, buffer.fill, buffer_dtype(buffer, dtype))
