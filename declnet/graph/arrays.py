"""The arrays of a compiled graph: blocks, workspaces, and views for one batch size."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.parameter import Workspace
from declnet.graph.memory_plan import Order, Plan, Reader
from declnet.graph.shapes import Node


def batch_view(block: Array, shape: Shape, n: int, order: Order = "batch_last") -> Array:
    """Return the start of a flat block as n samples of a shape, in either memory order.

    Returns:
        A view of shape (n, *shape). Each n has its own contiguous view, since slicing a larger one
        makes ufuncs two to three times slower.
    """
    if not shape:
        return block[:n]
    if order == "batch_first":
        return block[: n * prod(shape)].reshape(n, *shape)
    return np.moveaxis(block[: n * prod(shape)].reshape(*shape, n), -1, 0)


class Blocks:
    """The blocks of a plan.

    Args:
        sizes: the size of each block, in numbers per sample.
        capacity: the largest batch size.
        dtype: the model's float type.
    """

    def __init__(self, sizes: Sequence[int], capacity: int, dtype: Dtype) -> None:
        self._arrays = [np.empty(size * capacity, dtype) for size in sizes]

    def view(self, block: int, shape: Shape, n: int, order: Order) -> Array:
        """Return a block as n samples of a shape."""
        return batch_view(self._arrays[block], shape, n, order)


class Constants:
    """Constant workspace memory: one array per value, shared by all layers of a model."""

    def __init__(self, nodes: Sequence[Node], capacity: int, dtype: Dtype) -> None:
        self._arrays: dict[tuple[float | None, Dtype], Array] = {}
        for (fill, kind), size in constant_sizes(nodes, capacity, dtype).items():
            array = np.full(size, fill, kind)
            array.flags.writeable = False
            self._arrays[fill, kind] = array

    def of(self, buffer: Workspace, dtype: Dtype) -> Array:
        """Return the flat, read-only array whose start serves as a workspace."""
        return self._arrays[_constant(buffer, dtype)]


class LayerWorkspaces:
    """The workspaces of one layer; those with a batch axis have its output's memory order.

    Args:
        constants: the constants of all layers of the model, including this one.
    """

    def __init__(
        self,
        node: Node,
        capacity: int,
        dtype: Dtype,
        constants: Constants,
        order: Order = "batch_last",
    ) -> None:
        self._workspaces, self._order = node.workspace, order
        self._arrays = {
            name: constants.of(buffer, dtype)
            if buffer.constant
            else _allocate(buffer, capacity, dtype)
            for name, buffer in node.workspace.items()
        }

    def views(self, n: int) -> dict[str, Array]:
        """Return every workspace by name, for batches of n samples."""
        views = {}
        for name, array in self._arrays.items():
            buffer = self._workspaces[name]
            if buffer.per_sample:
                views[name] = batch_view(array, buffer.shape, n, self._order)
            else:
                views[name] = array[: prod(buffer.shape)].reshape(buffer.shape)
        return views


def workspace_bytes(nodes: Sequence[Node], dtype: Dtype, batch: int) -> int:
    """Return the size of all layers' workspaces in bytes, without allocating them."""
    own = sum(
        _size(buffer, batch) * workspace_dtype(buffer, dtype).itemsize
        for node in nodes
        for buffer in node.workspace.values()
        if not buffer.constant
    )
    shared = constant_sizes(nodes, batch, dtype)
    return own + sum(size * kind.itemsize for (_, kind), size in shared.items())


def constant_sizes(
    nodes: Sequence[Node], capacity: int, dtype: Dtype
) -> dict[tuple[float | None, Dtype], int]:
    """Return the size of the largest constant workspace for each value and dtype."""
    sizes: dict[tuple[float | None, Dtype], int] = {}
    for node in nodes:
        for buffer in node.workspace.values():
            if buffer.constant:
                key = _constant(buffer, dtype)
                sizes[key] = max(sizes.get(key, 0), _size(buffer, capacity))
    return sizes


def workspace_dtype(buffer: Workspace, dtype: Dtype) -> Dtype:
    """Return the dtype of a workspace: its own, or the model's float type."""
    return dtype if buffer.dtype is None else np.dtype(buffer.dtype)


def _allocate(buffer: Workspace, capacity: int, dtype: Dtype) -> Array:
    size, kind = _size(buffer, capacity), workspace_dtype(buffer, dtype)
    return np.empty(size, kind) if buffer.fill is None else np.full(size, buffer.fill, kind)


def _size(buffer: Workspace, capacity: int) -> int:
    return prod(buffer.shape) * (capacity if buffer.per_sample else 1)


def _constant(buffer: Workspace, dtype: Dtype) -> tuple[float | None, Dtype]:
    return buffer.fill, workspace_dtype(buffer, dtype)


class BatchViews:
    """Values and gradients of a model for batches of n samples."""

    def __init__(self, nodes: Sequence[Node], plan: Plan, blocks: Blocks, n: int) -> None:
        self._nodes, self._plan, self._blocks, self._n = nodes, plan, blocks, n
        self._values = {
            value: self._view(value, block)
            for value, block in enumerate(plan.activations)
            if block is not None
        }

    def output(self, node: Node) -> Array:
        """Return the array that a layer writes."""
        return self._values[node.index + 1]

    def inputs(self, node: Node, x: Array) -> Any:
        """Return what a layer reads: an array, or a tuple if it takes many inputs.

        Args:
            x: the model's input.
        """
        arrays = tuple(self.read((node.index, position), x) for position in range(len(node.inputs)))
        return arrays if node.takes_many_inputs else arrays[0]

    def read(self, reader: Reader, x: Array) -> Array:
        """Return one input of a layer: the value itself, or its copy in another memory order."""
        value = self._nodes[reader[0]].inputs[reader[1]]
        if reader in self._plan.staged:
            order = self._plan.staged_orders[reader]
            shape = self._nodes[value - 1].output_shape
            return self._blocks.view(self._plan.staged[reader], shape, self._n, order)
        return self._values[value] if value else x

    def copies(self, node: Node, x: Array) -> list[tuple[Array, Array]]:
        """Return (copy, value) pairs for the inputs to reorder before a layer's forward."""
        return [
            (self.read((node.index, position), x), self._values[value])
            for position, value in enumerate(node.inputs)
            if (node.index, position) in self._plan.staged
        ]

    def gradient(self, value: int) -> Array | None:
        """Return the gradient of a value; None if it is not needed."""
        block = self._plan.gradients[value]
        return None if block is None else self._view(value, block)

    def spare(self, writer: Reader) -> Array | None:
        """Return where a layer writes a gradient to be added or copied afterwards, or None."""
        block = self._plan.spares.get(writer)
        if block is None:
            return None
        value = self._nodes[writer[0]].inputs[writer[1]]
        order = self._plan.staged_orders.get(writer, self._plan.orders[value])
        return self._blocks.view(block, self._nodes[value - 1].output_shape, self._n, order)

    def _view(self, value: int, block: int) -> Array:
        shape = self._nodes[value - 1].output_shape
        return self._blocks.view(block, shape, self._n, self._plan.orders[value])
