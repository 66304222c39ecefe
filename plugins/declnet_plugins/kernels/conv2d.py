"""Convolutions of images, directly on batch-last arrays, alone or fused with a following ReLU.

With z the images and their padding, stride s and dilation d:

    y[f, i, j] = max(biases[f] + sum of weights[f, c, k, m] * z[c, si + dk, sj + dm], 0)
    dweights[f, c, k, m] = sum over i, j of dy[f, i, j] * z[c, si + dk, sj + dm]
    dz[c, a, b] = sum of weights[f, c, k, m] * dy[f, i, j] where si + dk = a and sj + dm = b

All are sums of products of numbers at constant distances, which tables list: of rows of y from z,
and of rows of dx from dy; no patch is copied (no "im2col"). z is a copy whose columns are sorted by
their remainder modulo the stride, so that consecutive outputs read consecutive columns; dy is
copied with enough columns of zeros around it for dx.

Source of the scheme: Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on
SIMD Architectures", SC 2018, arXiv:1808.05567; here, vectors hold samples instead of channels.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, host_features
from declnet_plugins.kernels import FLOATS
from declnet_plugins.kernels.convolution_routines import routines_for
from declnet_plugins.kernels.convolution_tiles import Tile, tile_for
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.conv2d import Conv2d
from declnet_plugins.standard.layers.window import Window, batch_last, window_over

Call = Callable[[], object]

AT_ONCE = 4096
"""Numbers of each filter that the weight gradient adds up at a time."""

PAGE, SKEW = 4096, 320
"""Bytes of a page, and between planes modulo that."""


class Conv2dKernel(CompiledKernel):
    """y = biases + weights * z, with register tiles on batch-last images.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32. An
    infinite or NaN weight does not make the padding NaN.
    """

    type = "conv2d_jit"
    replaces: ClassVar[tuple[Any, ...]] = (Conv2d,)
    example_shapes = ((4, 6, 5),)
    tile: ClassVar[Tile | None] = None
    """The tiles; default: for this processor."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, filters, height, width), and dweights, dbiases and dx; dy with ReLU."""
        arrays = [site.y, *(array for array in (site.dy, site.dx) if array is not None)]
        if any(
            array.dtype not in FLOATS or not batch_last(array).flags.c_contiguous
            for array in arrays
        ):
            return None
        convolution = _Convolution(site, len(self.replaces) > 1, self.tile)
        copy: Call = partial(self.copy_images, *convolution.images())
        forward = copy, *convolution.forward()
        if site.dy is None:
            return KernelCalls(forward)
        prepare: Call = partial(self.prepare_slopes, *convolution.slopes(site.dy))
        return KernelCalls(forward, (prepare, *convolution.backward()))

    def copy_images(self, x: Array, z: Array, before: int) -> None:
        """z[:, i, (before + j) % s, (before + j) // s] = x[:, i, j], with the stride s."""
        stride = z.shape[2]
        for first in range(min(stride, x.shape[2])):
            column, remainder = divmod(before + first, stride)
            source = x[:, :, first::stride]
            z[:, :, remainder, column : column + source.shape[2]] = source

    def prepare_slopes(self, y: Array, dy: Array, target: Array, db: Array) -> None:
        """Target = dy, with ReLU where y > 0, else 0; db = its sums."""
        if len(self.replaces) > 1:
            np.multiply(dy, y > 0, out=target)
        else:
            target[...] = dy
        np.add.reduce(target, axis=(1, 2), out=db)


class Conv2dReLUKernel(Conv2dKernel):
    """y = max(biases + weights * z, 0), with register tiles on batch-last images."""

    type = "conv2d_relu_jit"
    replaces = (Conv2d, ReLU)


class _Convolution:
    """A convolution bound to a site.

    Attributes:
        window: the windows over x.
        padded: (channels, …), planes (rows, s, columns, n) of padded images, whose columns are
            sorted by their remainder modulo the stride s.
        columns, row: the number of columns with a remainder, and of numbers in a row.
        planes: (filters, …), rows of `slopes_row` numbers for dy, after `left` columns of zeros.
    """

    def __init__(self, site: KernelSite, rectified: bool, tile: Tile | None) -> None:
        layer = site.components[0]
        tile = tile or tile_for(host_features())
        self.routines = routines_for(tile)
        self.site, self.rectified, self.groups = site, rectified, layer.groups
        self.window: Window = window_over(
            layer.type,
            site.x.shape[1:],
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
        )
        self.state = site.states[0]
        self.weights = self.state.weights
        self.dtype = self.weights.dtype
        self.n: int = site.x.shape[0]
        channels: int = site.x.shape[1]
        down, along = self.window.rows, self.window.columns
        self.columns = -(-along.padded // along.stride)
        self.row = along.stride * self.columns * self.n
        self.padded = _planes(channels, down.padded * self.row, tile.width, self.dtype)
        filters, height, width = site.y.shape[1:]
        self.left = right = 0
        if site.dx is not None:
            before = (along.kernel - 1) * along.dilation - along.before
            self.left = max(0, -(-before // along.stride))
            right = max(0, (along.size - 1 + along.before) // along.stride - width + 1)
        self.slopes_row = (self.left + width + right) * self.n
        self.planes = _planes(filters, height * self.slopes_row, tile.width, self.dtype)

    def forward(self) -> tuple[Call, ...]:
        """Return the calls that fill y from z."""
        down = self.window.rows
        layer, padded = self.site.components[0], self.padded
        _, filters, height, width = self.site.y.shape
        _, channels, *kernel = self.weights.shape
        places = list(product(range(kernel[0]), range(channels), range(kernel[1])))
        weights = np.arange(self.weights[0].size).reshape(channels, *kernel)
        order = [weights[c, k, m] for k, c, m in places]
        offsets = [self._seen(c, k, m) for k, c, m in places]
        runs = []
        for i in range(height):
            first = i * down.stride - down.before
            valid = [k for k in range(kernel[0]) if 0 <= first + k * down.dilation < down.size]
            per_row = channels * kernel[1]
            begin, end = (valid[0] * per_row, (valid[-1] + 1) * per_row) if valid else (0, 0)
            source = i * down.stride * self.row
            runs.append((i * width * self.n, source, begin, end))
        biases = self.state.biases if layer.use_bias else np.zeros(len(self.weights), self.dtype)
        low = 0 if self.rectified else -np.inf
        steps = self.weights[0].size * (filters // self.groups), self.weights[0].size
        packed, pack = self._packed(order, *steps, filters)
        length = width * self.n
        convolve = self._convolve(padded, packed, offsets, runs, biases, low, length, self.site.y)
        return pack, convolve

    def images(self) -> tuple[Array, Array, int]:
        """Return x, the rows of z to which it is copied, and how many columns come before it."""
        down, along, x = self.window.rows, self.window.columns, batch_last(self.site.x)
        inner = down.padded, along.stride, self.columns, self.n
        planes = self.padded[:, : prod(inner)].reshape(-1, *inner)
        return x, planes[:, down.before : down.before + down.size], along.before

    def slopes(self, dy: Array) -> tuple[Array, Array, Array, Array]:
        """Return y, dy, the part of the planes to which dy is copied, and dbiases."""
        site, n, dy = self.site, self.n, batch_last(dy)
        filters, height, width, _ = dy.shape
        use_bias = site.components[0].use_bias
        db = self.state.grad.biases if use_bias else np.empty(filters, self.dtype)
        flat = dy.reshape(filters, height, -1)
        rows = self.planes[:, : height * self.slopes_row].reshape(filters, height, -1)
        target = rows[:, :, self.left * n : (self.left + width) * n]
        return batch_last(site.y).reshape(flat.shape), flat, target, db

    def backward(self) -> tuple[Call, ...]:
        """Return the calls that fill dweights and dx from the planes of dy."""
        slopes, left, row = self.planes, self.left, self.slopes_row
        spread = [] if self.site.dx is None else self._spread(slopes, left, row)
        return self._correlate(slopes, left, row), *spread

    def _correlate(self, slopes: Array, left: int, row: int) -> NativeCall:
        """Return the call that fills dweights."""
        down, tile = self.window.rows, self.routines.tile
        (height, width), n = self.site.y.shape[2:], self.n
        offsets = [self._seen(*place) for place in np.ndindex(self.weights.shape[1:])]
        offsets += offsets[:1] * (-len(offsets) % tile.places)
        return self.routines.correlate.bound(
            slopes,
            left * n,
            row,
            self.padded.reshape(-1),
            down.stride * self.row,
            self.padded.size // self.groups,
            self._bytes(offsets),
            self.groups,
            height,
            max(1, AT_ONCE // (width * n)),
            width * n,
            np.empty((len(slopes), len(offsets)), self.dtype),
            self.state.grad.weights.reshape(len(slopes), -1),
        )

    def _spread(self, slopes: Array, left: int, length: int) -> list[Call]:
        """Return the calls that fill dx from dy, with `left` columns of zeros before it."""
        down, along = self.window.rows, self.window.columns
        height, n = self.site.y.shape[2], self.n
        weights = np.arange(self.weights.size).reshape(self.weights.shape)
        filters = range(len(slopes) // self.groups)
        offsets: list[int] = []
        order: list[int] = []
        begins: dict[tuple[int, int], tuple[list[int], int, int]] = {}
        for phases in product(range(down.stride), range(along.stride)):
            k_seen, m_seen = (
                [
                    index
                    for index in range(axis.kernel)
                    if (index * axis.dilation - phase) % axis.stride == 0
                ]
                for axis, phase in zip((down, along), phases, strict=True)
            )
            begins[phases] = k_seen, len(order), len(filters) * len(m_seen)
            for k, f, m in product(k_seen, filters, m_seen):
                up = (k * down.dilation - phases[0]) // down.stride
                back = (m * along.dilation - phases[1]) // along.stride
                offsets.append(f * slopes.shape[1] - up * length - back * n)
                order.append(int(weights[f, 0, k, m]))
        runs = []
        for i, j in product(range(down.size), range(1 if along.stride == 1 else along.size)):
            row, row_phase = divmod(i + down.before, down.stride)
            column, column_phase = divmod(j + along.before, along.stride)
            k_seen, start, count = begins[row_phase, column_phase]
            ups = [(k * down.dilation - row_phase) // down.stride for k in k_seen]
            valid = [place for place, up in enumerate(ups) if 0 <= row - up < height]
            begin, end = (valid[0], valid[-1] + 1) if valid else (0, 0)
            source = row * length + (left + column) * n
            target = (i * along.size + j) * n
            runs.append((target, source, start + begin * count, start + end * count))
        steps = weights[: len(filters)].size, self.weights[0, 0].size
        rows = self.weights.shape[1] * self.groups
        packed, pack = self._packed(order, *steps, rows)
        biases, length = np.zeros(rows, self.dtype), n * (along.size if along.stride == 1 else 1)
        convolve = self._convolve(
            slopes, packed, offsets, runs, biases, -np.inf, length, self.site.dx
        )
        return [pack, convolve]

    def _packed(
        self, order: list[int], group_away: int, row_away: int, rows: int
    ) -> tuple[Array, Call]:
        """Return memory for the weights in the order of tiles, and the call that fills it."""
        most, per_group = self.routines.tile.rows, rows // self.groups
        tiles, places = -(-per_group // most), np.array(order, np.int64)[:, None]
        indices = []
        for group, tile in product(range(self.groups), range(tiles)):
            in_tile = range(per_group * tile // tiles, per_group * (tile + 1) // tiles)
            indices.append((places + group * group_away + np.array(in_tile) * row_away).ravel())
        packed, index = np.empty(rows * len(order), self.dtype), np.concatenate(indices)
        options = {"axis": 0, "out": packed, "mode": "clip"}
        return packed, partial(np.take, self.weights.reshape(-1), index, **options)

    def _convolve(
        self,
        source: Array,
        packed: Array,
        offsets: list[int],
        runs: list[tuple[int, int, int, int]],
        biases: Array,
        low: float,
        length: int,
        target: Any,
    ) -> NativeCall:
        """Return the call that fills images with sums over planes."""
        images = batch_last(target)
        return self.routines.convolve.bound(
            source.reshape(-1),
            source.size // self.groups,
            packed,
            self._bytes(offsets),
            np.array(runs, np.int64),
            biases,
            self.dtype.type(low),
            self.groups,
            length,
            images.reshape(-1),
            images[0].size,
        )

    def _seen(self, channel: int, k: int, m: int) -> int:
        """Return the distance in z from the first number that an output sees to another."""
        down, along = self.window.rows, self.window.columns
        column, phase = divmod(m * along.dilation, along.stride)
        place = (k * down.dilation * along.stride + phase) * self.columns + column
        return channel * int(self.padded[0].size) + place * self.n

    def _bytes(self, distances: Any) -> Array:
        return np.array(distances, np.int64) * self.dtype.itemsize


def _planes(count: int, size: int, width: int, dtype: Any) -> Array:
    """Return zeros for planes of a size, (count, more), with space for two vectors after them.

    The planes are `SKEW` bytes apart modulo a page, so that they do not compete for the same lines
    of the cache.
    """
    skew, page = SKEW // dtype.itemsize, PAGE // dtype.itemsize
    size += (skew - size) % page
    memory = np.zeros(count * size + 2 * width // dtype.itemsize, dtype)
    return memory[: count * size].reshape(count, size)
