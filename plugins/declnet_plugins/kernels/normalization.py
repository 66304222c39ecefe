"""Normalizations: of batches, and of samples in either memory order.

    z = (x - mean) / sqrt(variance + epsilon),  y = scale * z + offset
    dscale = sum of dy * z,  doffset = sum of dy
    dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon),  g = scale * dy

Means and variances are per channel in batch_norm, else per sample or part of a sample.
rms_norm takes 0 for both means, and no offset. As in the components, a mean is computed from
differences to the first number.

Numbers are summed up in `CHUNK`s, then the sums of these, so that rounding errors stay small. No
loop both sums and writes: it would be vectorized only where its arrays do not overlap, so its bits
would depend on that.
Arrays of parts of samples have three axes: parts, the numbers to normalize over, and samples, of
which `BLOCK` are processed at a time; or two, parts of samples and their numbers.
"""

from functools import partial
from math import prod
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, Routine, share
from declnet_plugins.kernels.memory_orders import FLOATS
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.sample_normalization import GroupNorm, LayerNorm, RMSNorm

CHUNK = np.uint64(2048)
BLOCK = 256
ZERO, ONE = np.uint64(0), np.uint64(1)


@partial(Routine, rounding=())
def inverse_root(one, value):  # type: ignore[no-untyped-def]
    """Return 1 / sqrt(value); exactly, since an estimate is NaN for infinity."""
    return one / np.sqrt(value)


@Routine
def normalize_channels(  # type: ignore[no-untyped-def]
    part, parts, x, scale, offset, epsilon, momentum, running_mean, running_variance, slope, z, y
):
    """Normalize each channel; slope = 1 / sqrt(variance + epsilon). x, z, y: (channels, m)."""
    channels, m, zero, one = x.shape[0], np.uint64(x.shape[1]), x.dtype.type(0), x.dtype.type(1)
    for c in range(np.uint64(channels * part // parts), np.uint64(channels * (part + 1) // parts)):
        first, mean, variance = x[c, ZERO], zero, zero
        for start in range(ZERO, m, CHUNK):
            stop = min(m, start + CHUNK)
            for s in range(start, stop):
                z[c, s] = x[c, s] - first
            total = zero
            for s in range(start, stop):
                total += z[c, s]
            mean += total
        mean /= x.dtype.type(m)
        for start in range(ZERO, m, CHUNK):
            total = zero
            for s in range(start, min(m, start + CHUNK)):
                difference = z[c, s] - mean
                total += difference * difference
            variance += total
        variance /= x.dtype.type(m)
        factor = inverse_root(one, variance + epsilon)
        slope[c] = factor
        scale_c, offset_c = scale[c], offset[c]
        for s in range(m):
            value = (z[c, s] - mean) * factor
            z[c, s] = value
            y[c, s] = scale_c * value + offset_c
        mean += first
        if m > ONE:
            variance *= x.dtype.type(m) / x.dtype.type(m - ONE)
        running_mean[c] = momentum * running_mean[c] + (one - momentum) * mean
        running_variance[c] = momentum * running_variance[c] + (one - momentum) * variance


@Routine
def spread_over_channels(part, parts, dy, z, scale, slope, dscale, doffset, dx):  # type: ignore[no-untyped-def]
    """dx = scale * slope * (dy - doffset / m - z * dscale / m). dy, z, dx: (channels, m)."""
    channels, m = z.shape[0], np.uint64(z.shape[1])
    share_of_one = z.dtype.type(1 / z.shape[1])
    for c in range(np.uint64(channels * part // parts), np.uint64(channels * (part + 1) // parts)):
        factor, by_z, shift = (
            scale[c] * slope[c],
            dscale[c] * share_of_one,
            doffset[c] * share_of_one,
        )
        for s in range(m):
            dx[c, s] = factor * (dy[c, s] - (z[c, s] * by_z + shift))


@Routine
def sum_slopes(part, parts, dy, z, dscale, doffset):  # type: ignore[no-untyped-def]
    """dscale[j] = sum of dy[:, j] * z[:, j], doffset[j] = sum of dy[:, j]; of three axes."""
    parameters, zero = dy.shape[1], dy.dtype.type(0)
    for j in range(
        np.uint64(parameters * part // parts), np.uint64(parameters * (part + 1) // parts)
    ):
        total_scale, total_offset = zero, zero
        for k in range(np.uint64(dy.shape[0])):
            for start in range(ZERO, np.uint64(dy.shape[2]), CHUNK):
                of_scale, of_offset = zero, zero
                for s in range(start, min(np.uint64(dy.shape[2]), start + CHUNK)):
                    of_scale += dy[k, j, s] * z[k, j, s]
                    of_offset += dy[k, j, s]
                total_scale += of_scale
                total_offset += of_offset
        dscale[j], doffset[j] = total_scale, total_offset


@Routine
def sum_slopes_of_rows(part, parts, dy, z, dscale, doffset):  # type: ignore[no-untyped-def]
    """dscale = sum over rows of dy * z, doffset = sum of dy; dy, z: (rows, parameters)."""
    start, stop = share(dy.shape[1], part, parts)
    for j in range(start, stop):
        dscale[j] = doffset[j] = dy.dtype.type(0)
    for row in range(np.uint64(dy.shape[0])):
        for j in range(start, stop):
            dscale[j] += dy[row, j] * z[row, j]
            doffset[j] += dy[row, j]


@Routine
def normalize_columns(  # type: ignore[no-untyped-def]
    part, parts, x, centered, epsilon, scale, offset, group, per, mean, slope, z, y
):
    """Normalize over the middle axis. x, z, y: (parts of samples, m, n).

    The scale of number j of part k is scale[k * group + j // per], likewise the offset.
    mean, slope: (parts of samples, n), memory for the mean and 1 / sqrt(variance + epsilon).
    """
    some, m, n = x.shape
    zero, one, factor = x.dtype.type(0), x.dtype.type(1), x.dtype.type(1 / m)
    blocks = (n + BLOCK - 1) // BLOCK
    for task in range(some * blocks * part // parts, some * blocks * (part + 1) // parts):
        k, begin = np.uint64(task // blocks), task % blocks * BLOCK
        start, stop = np.uint64(begin), np.uint64(min(n, begin + BLOCK))
        for s in range(start, stop):
            mean[k, s], slope[k, s] = zero, zero
        for j in range(np.uint64(m)):
            for s in range(start, stop):
                difference = x[k, j, s] - (x[k, ZERO, s] if centered else zero)
                z[k, j, s] = difference
                mean[k, s] += difference
        for s in range(start, stop):
            mean[k, s] = mean[k, s] * factor if centered else zero
        for j in range(np.uint64(m)):
            for s in range(start, stop):
                difference = z[k, j, s] - mean[k, s]
                z[k, j, s] = difference
                slope[k, s] += difference * difference
        for s in range(start, stop):
            slope[k, s] = inverse_root(one, slope[k, s] * factor + epsilon)
        for j in range(np.uint64(m)):
            parameter = k * np.uint64(group) + j // np.uint64(per)
            scale_j, offset_j = scale[parameter], offset[parameter]
            for s in range(start, stop):
                value = z[k, j, s] * slope[k, s]
                z[k, j, s] = value
                y[k, j, s] = scale_j * value + offset_j


@Routine
def spread_over_columns(  # type: ignore[no-untyped-def]
    part, parts, dy, z, centered, scale, group, per, mean, slope, product, dx
):
    """Fill dx from dy, which it may share; as `normalize_columns`, with product like mean."""
    some, m, n = dy.shape
    zero, factor = dy.dtype.type(0), dy.dtype.type(1 / m)
    blocks = (n + BLOCK - 1) // BLOCK
    for task in range(some * blocks * part // parts, some * blocks * (part + 1) // parts):
        k, begin = np.uint64(task // blocks), task % blocks * BLOCK
        start, stop = np.uint64(begin), np.uint64(min(n, begin + BLOCK))
        for s in range(start, stop):
            mean[k, s], product[k, s] = zero, zero
        for j in range(np.uint64(m)):
            scale_j = scale[k * np.uint64(group) + j // np.uint64(per)]
            for s in range(start, stop):
                g = scale_j * dy[k, j, s]
                mean[k, s] += g
                product[k, s] += g * z[k, j, s]
        for s in range(start, stop):
            mean[k, s] = mean[k, s] * factor if centered else zero
            product[k, s] *= factor
        for j in range(np.uint64(m)):
            scale_j = scale[k * np.uint64(group) + j // np.uint64(per)]
            for s in range(start, stop):
                g = scale_j * dy[k, j, s] - mean[k, s]
                dx[k, j, s] = (g - z[k, j, s] * product[k, s]) * slope[k, s]


@Routine
def normalize_rows(part, parts, x, centered, epsilon, scale, offset, slope, z, y):  # type: ignore[no-untyped-def]
    """Normalize each row. x, z, y: (rows, m)."""
    rows, m = x.shape[0], np.uint64(x.shape[1])
    zero, one, factor = x.dtype.type(0), x.dtype.type(1), x.dtype.type(1 / x.shape[1])
    for r in range(np.uint64(rows * part // parts), np.uint64(rows * (part + 1) // parts)):
        first, mean, total = x[r, ZERO] if centered else zero, zero, zero
        for j in range(m):
            z[r, j] = x[r, j] - first
        if centered:
            for j in range(m):
                mean += z[r, j]
            mean *= factor
        for j in range(m):
            difference = z[r, j] - mean
            total += difference * difference
        slope_r = inverse_root(one, total * factor + epsilon)
        slope[r] = slope_r
        for j in range(m):
            value = (z[r, j] - mean) * slope_r
            z[r, j] = value
            y[r, j] = scale[j] * value + offset[j]


@Routine
def spread_over_rows(part, parts, dy, z, centered, scale, slope, dx):  # type: ignore[no-untyped-def]
    """Fill dx from dy, which it may share. dy, z, dx: (rows, m)."""
    rows, m = dy.shape[0], np.uint64(dy.shape[1])
    zero, factor = dy.dtype.type(0), dy.dtype.type(1 / dy.shape[1])
    for r in range(np.uint64(rows * part // parts), np.uint64(rows * (part + 1) // parts)):
        mean = product = zero
        for j in range(m):
            g = scale[j] * dy[r, j]
            mean += g
            product += g * z[r, j]
        mean = mean * factor if centered else zero
        product *= factor
        slope_r = slope[r]
        for j in range(m):
            dx[r, j] = (scale[j] * dy[r, j] - mean - z[r, j] * product) * slope_r


class BatchNormKernel(CompiledKernel):
    """Each channel in three passes, which also follow the running mean and variance."""

    type = "batch_norm_jit"
    replaces: ClassVar[tuple[Any, ...]] = (BatchNorm,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, and the gradients of scale and offset, and dx."""
        layer, state = site.components[0], site.states[0]
        if state.frozen or _order(site) != "batch_last":
            return None
        channels, dtype = site.x.shape[1], site.y.dtype
        x, y, z = (_last(array).reshape(channels, -1) for array in (site.x, site.y, state.normal))
        numbers = dtype.type(layer.epsilon), dtype.type(layer.momentum)
        running = state.running_mean, state.running_variance
        forward = normalize_channels.bound(
            x, state.scale, state.offset, *numbers, *running, state.slope, z, y
        )
        if site.dy is None:
            return KernelCalls((forward,))
        dy, grad = _last(site.dy).reshape(channels, -1), state.grad
        calls = [sum_slopes.bound(dy[None], z[None], grad.scale, grad.offset)]
        if site.dx is not None:
            dx, factors = _last(site.dx).reshape(channels, -1), (state.scale, state.slope)
            arrays = dy, z, *factors, grad.scale, grad.offset, dx
            calls.append(spread_over_channels.bound(*arrays))
        return KernelCalls((forward,), tuple(calls))


class LayerNormKernel(CompiledKernel):
    """Each sample, or its last axes, in three passes, in either memory order."""

    type = "layer_norm_jit"
    replaces: ClassVar[tuple[Any, ...]] = (LayerNorm,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, and the gradients of scale and offset, and dx."""
        order = _order(site)
        if order is None:
            return None
        return _by_columns(site) if order == "batch_last" else _by_rows(site)


class RMSNormKernel(LayerNormKernel):
    """The last axes of each sample in three passes, in either memory order."""

    type = "rms_norm_jit"
    replaces = (RMSNorm,)
    example_shapes = ((3, 4), (2, 3, 4))


class GroupNormKernel(CompiledKernel):
    """Each group of channels of a sample in three passes."""

    type = "group_norm_jit"
    replaces: ClassVar[tuple[Any, ...]] = (GroupNorm,)
    example_shapes = ((6,), (4, 3), (4, 3, 2))

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, and the gradients of scale and offset, and dx."""
        return _by_columns(site) if _order(site) == "batch_last" else None


def _by_columns(site: KernelSite) -> KernelCalls:
    """Return the calls for arrays with the batch axis last in memory."""
    layer, state, n = site.components[0], site.states[0], len(site.x)
    dtype, parameters = site.y.dtype, state.scale.size
    if isinstance(layer, GroupNorm):
        some, places = layer.groups, prod(site.x.shape[2:])
        group, per = parameters // layer.groups, places
        summed = 1, parameters, places * n
    else:
        some, group, per = site.x[0].size // parameters, 0, 1
        summed = some, parameters, n
    centered = not isinstance(layer, RMSNorm)
    offset, doffset = _offsets(site)
    x, y, z = (_last(array).reshape(some, -1, n) for array in (site.x, site.y, state.normal))
    mean, slope, product = np.empty((3, some, n), dtype)
    scale = state.scale.reshape(-1)
    forward = normalize_columns.bound(
        x, centered, dtype.type(layer.epsilon), scale, offset, group, per, mean, slope, z, y
    )
    if site.dy is None:
        return KernelCalls((forward,))
    dy = _last(site.dy).reshape(x.shape)
    dscale = state.grad.scale.reshape(-1)
    calls = [sum_slopes.bound(dy.reshape(summed), z.reshape(summed), dscale, doffset)]
    if site.dx is not None:
        dx = _last(site.dx).reshape(x.shape)
        memory = mean, slope, product
        calls.append(spread_over_columns.bound(dy, z, centered, scale, group, per, *memory, dx))
    return KernelCalls((forward,), tuple(calls))


def _by_rows(site: KernelSite) -> KernelCalls:
    """Return the calls for arrays with the batch axis first in memory."""
    layer, state, dtype = site.components[0], site.states[0], site.y.dtype
    scale = state.scale.reshape(-1)
    x, y, z = (array.reshape(-1, scale.size) for array in (site.x, site.y, state.normal))
    offset, doffset = _offsets(site)
    centered, epsilon = not isinstance(layer, RMSNorm), dtype.type(layer.epsilon)
    slope = np.empty(len(x), dtype)
    forward = normalize_rows.bound(x, centered, epsilon, scale, offset, slope, z, y)
    if site.dy is None:
        return KernelCalls((forward,))
    dy = site.dy.reshape(x.shape)
    calls: list[NativeCall] = [
        sum_slopes_of_rows.bound(dy, z, state.grad.scale.reshape(-1), doffset)
    ]
    if site.dx is not None:
        dx = site.dx.reshape(x.shape)
        calls.append(spread_over_rows.bound(dy, z, centered, scale, slope, dx))
    return KernelCalls((forward,), tuple(calls))


def _offsets(site: KernelSite) -> tuple[Array, Array]:
    """Return the offset and its gradient, flat; zeros and some memory if there is none."""
    state = site.states[0]
    if isinstance(site.components[0], RMSNorm):
        return np.zeros(state.scale.size, site.y.dtype), np.empty(state.scale.size, site.y.dtype)
    return state.offset.reshape(-1), state.grad.offset.reshape(-1)


def _last(array: Any) -> Array:
    """Return an array (n, …) viewed with the batch axis last."""
    return np.moveaxis(array, 0, -1)


def _order(site: KernelSite) -> str | None:
    """Return the memory order of a site's arrays if they are floats and have the same one."""
    arrays = site.x, site.y, site.states[0].normal, site.dy, site.dx
    present = [array for array in arrays if array is not None]
    if any(array.dtype not in FLOATS for array in present):
        return None
    if all(_last(array).flags.c_contiguous for array in present):
        return "batch_last"
    return "batch_first" if all(array.flags.c_contiguous for array in present) else None
