"""Embeddings, convolutions and pools in NumPy; each function is a layer's equation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag
from declnet_plugins.standard.layers.pooling import (
    AveragePool2d,
    MaxPool2d,
)
from declnet_plugins.standard.layers.window import window_over


def embedding(x: Array, *, weights: Array, sizes: Any, starts: Any) -> Array:
    """Return the row of weights of each integer, in its own vocabulary."""
    return np.asarray(weights[np.where((x >= 0) & (x < sizes), x, 0) + starts])


def embedding_refuses(x: Array, *, sizes: Any) -> Array:
    """Return which integers are not in their vocabulary."""
    return np.asarray((x < 0) | (x >= sizes))


def embedding_bag(
    x: Array, scores: Array, *, weights: Array, biases: Array | None = None, rows: int
) -> Array:
    """Return the sum of the rows of weights of each sample's integers times their scores."""
    used = np.where((x >= 0) & (x < rows), x, 0)
    y = np.matmul(scores[:, None], weights[used])[:, 0]
    return np.asarray(y if biases is None else y + biases)


def embedding_bag_refuses(x: Array, _: Array, *, rows: int) -> Array:
    """Return which integers are not in the vocabulary."""
    return np.asarray((x < 0) | (x >= rows))


def windows_of(
    x: Array,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[tuple[int, int], tuple[int, int]],
    fill: float,
) -> Array:
    """Return what a window sees at each place: (n, channels, rows, columns, height, width)."""
    x = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=fill)
    extent = tuple((k - 1) * d + 1 for k, d in zip(size, dilation))
    seen = sliding_window_view(x, extent, axis=(2, 3))
    return seen[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def conv2d(
    x: Array,
    *,
    weights: Array,
    biases: Array | None = None,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    pads: Any,
) -> Array:
    size = (weights.shape[2], weights.shape[3])
    seen = windows_of(x, size, stride, dilation, pads, 0)
    parts = zip(np.split(seen, groups, axis=1), np.split(weights, groups))
    y = np.concatenate([np.tensordot(a, b, ((1, 4, 5), (1, 2, 3))) for a, b in parts], axis=3)
    return np.moveaxis(y if biases is None else y + biases, 3, 1)


def conv2d_transpose(
    x: Array,
    *,
    weights: Array,
    biases: Array | None = None,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    pads: Any,
    output_shape: tuple[int, int, int],
) -> Array:
    """Add the window of each number of x to y, whose edges are then cut off."""
    (top, bottom), (left, right) = pads
    filters, height, width = output_shape
    y = np.zeros((len(x), filters, top + height + bottom, left + width + right), x.dtype)
    size, rows, columns = filters // groups, x.shape[2], x.shape[3]
    for g, (a, b) in enumerate(zip(np.split(x, groups, axis=1), np.split(weights, groups))):
        for k in range(b.shape[2]):
            for m in range(b.shape[3]):
                down, along = k * dilation[0], m * dilation[1]
                y[
                    :,
                    g * size : (g + 1) * size,
                    down : down + (rows - 1) * stride[0] + 1 : stride[0],
                    along : along + (columns - 1) * stride[1] + 1 : stride[1],
                ] += np.moveaxis(np.tensordot(a, b[:, :, k, m], (1, 0)), 3, 1)
    y = y[:, :, top : top + height, left : left + width]
    return y if biases is None else y + biases[:, None, None]


def max_pool2d(x: Array, *, size: Any, stride: Any, pads: Any) -> Array:
    return np.asarray(windows_of(x, size, stride, (1, 1), pads, -np.inf).max(axis=(4, 5)))


def average_pool2d(x: Array, *, size: Any, stride: Any, pads: Any) -> Array:
    return np.asarray(windows_of(x, size, stride, (1, 1), pads, 0).mean(axis=(4, 5)))


class NumpyEmbedding(NumpyTranslation):
    """Embeddings."""

    functions: ClassVar[Any] = {Embedding: embedding}
    refusals: ClassVar[Any] = {Embedding: embedding_refuses}
    replaces = tuple(functions)

    def options(self, component: Any, site: TranslationSite) -> dict[str, Any]:
        """Return the vocabularies: their sizes and first rows."""
        sizes, starts = component.vocabularies(site.input_shapes[0])
        if (sizes == sizes.flat[0]).all() and not starts.any():
            return {"sizes": int(sizes.flat[0]), "starts": 0}
        return {"sizes": sizes, "starts": starts}


class NumpyEmbeddingBag(NumpyTranslation):
    """Weighted sums of embeddings."""

    functions: ClassVar[Any] = {EmbeddingBag: embedding_bag}
    refusals: ClassVar[Any] = {EmbeddingBag: embedding_bag_refuses}
    replaces = tuple(functions)

    def options(self, component: Any, site: TranslationSite) -> dict[str, Any]:
        """Return the size of the vocabulary."""
        return {"rows": len(site.parameters["weights"])}


class NumpyWindows(NumpyTranslation):
    """Convolutions and pools of images."""

    functions: ClassVar[Any] = {
        Conv2d: conv2d,
        Conv2dTranspose: conv2d_transpose,
        MaxPool2d: max_pool2d,
        AveragePool2d: average_pool2d,
    }
    replaces = tuple(functions)

    def options(self, component: Any, site: TranslationSite) -> dict[str, Any]:
        """Return the padding above, below, left and right, and a pool's size and stride."""
        pools = isinstance(component, MaxPool2d | AveragePool2d)
        size = component.pool_size if pools else component.kernel_size
        stride = component.stride or size
        dilation = (1, 1) if pools else component.dilation
        transposed = isinstance(component, Conv2dTranspose)
        shape = site.output_shape if transposed else site.input_shapes[0]
        window = window_over(component.type, shape, size, stride, component.padding, dilation)
        pads = tuple((axis.before, axis.after) for axis in (window.rows, window.columns))
        return {"size": size, "stride": stride, "pads": pads, "output_shape": site.output_shape}
