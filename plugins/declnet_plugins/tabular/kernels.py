"""Compiled kernels; the extra `jit` installs their compiler.

The arrays of the routines have the batch axis last: x (inputs, n), y (units, n), with the members
first, if there are some.
"""

from collections.abc import Sequence
from math import pi, sqrt
from typing import Any

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, Routine, product, share, sine_and_cosine
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.ntp_dense import NTPDense
from declnet_plugins.tabular.layers.parametric_activation import ParametricActivation
from declnet_plugins.tabular.layers.periodic import PBLD

FLOATS = (np.dtype("float32"), np.dtype("float64"))


@Routine
def scale(part, parts, x, factor, z):  # type: ignore[no-untyped-def]
    """Z = factor * x, which may be z."""
    start, stop = share(x.shape[0], part, parts)
    for j in range(start, stop):
        for s in range(np.uint64(x.shape[1])):
            z[j, s] = factor * x[j, s]


@Routine
def sum_samples(part, parts, dy, db):  # type: ignore[no-untyped-def]
    """Db = sum dy."""
    start, stop = share(db.size, part, parts)
    for j in range(start, stop):
        total = db.dtype.type(0)
        for s in range(np.uint64(dy.shape[1])):
            total += dy[j, s]
        db[j] = total


@Routine
def scale_members(part, parts, x, factors, y):  # type: ignore[no-untyped-def]
    """Y[i] = x * factors[i], with a factor for each row."""
    start, stop = share(y.shape[1], part, parts)
    for i in range(np.uint64(y.shape[0])):
        for j in range(start, stop):
            for s in range(np.uint64(y.shape[2])):
                y[i, j, s] = x[j, s] * factors[i, j]


@Routine
def scale_members_backwards(part, parts, x, factors, dy, dfactors, dx):  # type: ignore[no-untyped-def]
    """Dfactors[i] = sum x * dy[i]; dx = the sum of dy[i] * factors[i], if it has columns."""
    start, stop = share(dy.shape[1], part, parts)
    zero = dy.dtype.type(0)
    for j in range(start, stop):
        for s in range(np.uint64(dx.shape[1])):
            dx[j, s] = zero
        for i in range(np.uint64(dy.shape[0])):
            total, factor = zero, factors[i, j]
            for s in range(np.uint64(dy.shape[2])):
                total += x[j, s] * dy[i, j, s]
            dfactors[i, j] = total
            for s in range(np.uint64(dx.shape[1])):
                dx[j, s] += dy[i, j, s] * factor


@Routine
def add_biases(part, parts, biases, y):  # type: ignore[no-untyped-def]
    """Y += biases, one for each row."""
    start, stop = share(y.shape[0], part, parts)
    for j in range(start, stop):
        for s in range(np.uint64(y.shape[1])):
            y[j, s] += biases[j]


@Routine
def mix(part, parts, x, f, shares, change, y):  # type: ignore[no-untyped-def]
    """Change = f - x; y = x + shares * change, with a share for each row."""
    start, stop = share(x.shape[0], part, parts)
    for j in range(start, stop):
        for s in range(np.uint64(x.shape[1])):
            difference = f[j, s] - x[j, s]
            change[j, s] = difference
            y[j, s] = x[j, s] + shares[j] * difference


@Routine
def unmix(part, parts, dy, change, shares, dshares, dx, df):  # type: ignore[no-untyped-def]
    """Dshares = sum dy * change; df = dy * shares and dx = dy - df, if they have columns."""
    start, stop = share(dy.shape[0], part, parts)
    for j in range(start, stop):
        total = dy.dtype.type(0)
        for s in range(np.uint64(dy.shape[1])):
            total += dy[j, s] * change[j, s]
        dshares[j] = total
        for s in range(np.uint64(df.shape[1])):
            df[j, s] = dy[j, s] * shares[j]
        for s in range(np.uint64(dx.shape[1])):
            dx[j, s] = dy[j, s] - dy[j, s] * shares[j]


@Routine
def embed(part, parts, x, frequencies, phases, weights, biases, sines, cosines, y):  # type: ignore[no-untyped-def]
    """Sines and cosines of 2 pi w x + b; y = weights.T @ cosines + biases, x, feature by feature.

    The embeddings of all features are the first rows of y, and the features the last.
    """
    features, waves = np.uint64(weights.shape[0]), np.uint64(weights.shape[1])
    units, n = np.uint64(weights.shape[2]), np.uint64(x.shape[1])
    turn = x.dtype.type(2 * pi)
    for f in range(features * part // parts, features * (part + 1) // parts):
        appended = features * units + f
        for s in range(n):
            y[appended, s] = x[f, s]
        for h in range(waves):
            w, b = turn * frequencies[f, h], phases[f, h]
            for s in range(n):
                sines[f, h, s], cosines[f, h, s] = sine_and_cosine(w * x[f, s] + b)
        for o in range(units):
            row, start = f * units + o, biases[f, o]
            for s in range(n):
                y[row, s] = start
            for h in range(waves):
                weight = weights[f, h, o]
                for s in range(n):
                    y[row, s] += weight * cosines[f, h, s]


@Routine
def embed_backwards(  # type: ignore[no-untyped-def]
    part, parts, x, dy, frequencies, weights, sines, cosines, slopes, dw, db, dweights, dbiases, dx
):
    """Gradients of all parameters of `embed`, feature by feature, and dx, if it has columns."""
    features, waves = np.uint64(weights.shape[0]), np.uint64(weights.shape[1])
    units, n = np.uint64(weights.shape[2]), np.uint64(x.shape[1])
    turn, zero = x.dtype.type(2 * pi), x.dtype.type(0)
    for f in range(features * part // parts, features * (part + 1) // parts):
        for o in range(units):
            total = zero
            for s in range(n):
                total += dy[f * units + o, s]
            dbiases[f, o] = total
        for s in range(np.uint64(dx.shape[1])):
            dx[f, s] = dy[features * units + f, s]
        for h in range(waves):
            for s in range(n):
                slopes[f, 0, s] = zero
            for o in range(units):
                weight, total = weights[f, h, o], zero
                for s in range(n):
                    slope = dy[f * units + o, s]
                    slopes[f, 0, s] += weight * slope
                    total += cosines[f, h, s] * slope
                dweights[f, h, o] = total
            total, moment, w = zero, zero, turn * frequencies[f, h]
            for s in range(n):
                slope = -sines[f, h, s] * slopes[f, 0, s]
                slopes[f, 0, s] = slope
                total += slope
                moment += slope * x[f, s]
            db[f, h], dw[f, h] = total, turn * moment
            for s in range(np.uint64(dx.shape[1])):
                dx[f, s] += w * slopes[f, 0, s]


class NTPDenseKernel(CompiledKernel):
    """y = x @ weights / sqrt(inputs) + biases, by products that include the biases.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "ntp_dense_jit"
    replaces = (NTPDense,)
    example_shapes = ((2,), (40,))

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill z and y, then dweights, dbiases and dx."""
        (state,) = site.states
        weights, grad, views = state.weights, state.grad, _batch_last(state.z, *_filled(site))
        if views is None or site.x.dtype != weights.dtype:
            return None
        z, y, dy, dx = views
        factor, biased = weights.dtype.type(1 / sqrt(len(weights))), site.components[0].use_bias
        biases = state.biases if biased else None
        forward = [scale.bound(site.x.T, factor, z), product(weights.T, z, y, biases)]
        backward: list[NativeCall | None] = []
        if dy is not None and biased:
            backward.append(sum_samples.bound(dy, grad.biases))
        if dy is not None:
            backward.append(product(z, dy.T, grad.weights))
        if dx is not None:
            backward += [product(weights, dy, dx), scale.bound(dx, factor, dx)]
        return _complete(forward, backward)


class MembersKernel(CompiledKernel):
    """y[:, i] = x * scale[i], and both gradients in one pass over dy."""

    type = "members_jit"
    replaces = (Members,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, then dscale and dx."""
        (state,) = site.states
        factors, views = state.scale, _batch_last(*_filled(site))
        if views is None or site.x.dtype != factors.dtype:
            return None
        x, (y, dy, dx) = site.x.T, views
        forward = (scale_members.bound(x, factors, y),)
        if dy is None:
            return KernelCalls(forward)
        filled = state.grad.scale, _or_unused(dx, x)
        return KernelCalls(forward, (scale_members_backwards.bound(x, factors, dy, *filled),))


class MemberDenseKernel(CompiledKernel):
    """y[:, i] = x[:, i] @ weights[i] + biases[i], by the products of all members in one call.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "member_dense_jit"
    replaces = (MemberDense,)
    example_shapes = ((5, 40),)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, then dbiases, dweights and dx."""
        (state,) = site.states
        weights, grad, views = state.weights, state.grad, _batch_last(*_filled(site))
        if views is None or site.x.dtype != weights.dtype:
            return None
        x, (y, dy, dx), n = np.moveaxis(site.x, 0, -1), views, len(site.x)
        biased = site.components[0].use_bias
        forward, backward = [product(weights.swapaxes(1, 2), x, y)], list[NativeCall | None]()
        if biased:
            forward.append(add_biases.bound(state.biases.reshape(-1), y.reshape(-1, n)))
        if dy is not None and biased:
            backward.append(sum_samples.bound(dy.reshape(-1, n), grad.biases.reshape(-1)))
        if dy is not None:
            backward.append(product(x, dy.swapaxes(1, 2), grad.weights))
        if dx is not None:
            backward.append(product(weights, dy, dx))
        return _complete(forward, backward)


class ParametricActivationKernel(CompiledKernel):
    """y = x + shares * (f - x), and all gradients in one pass.

    The order of the sum dshares differs from NumPy's, a relative difference of about 1e-6 in
    float32.
    """

    type = "parametric_activation_jit"
    replaces = (ParametricActivation,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y and f - x, then dshares, dx and df."""
        (state,), inputs, gradients = site.states, site.x, site.dx or (None, None)
        shares = state.shares
        views = _batch_last(*inputs, site.y, state.change, site.dy, *gradients)
        if views is None:
            return None
        rows = [None if array is None else array.reshape(len(shares), -1) for array in views]
        x, f, y, change, dy, dx, df = rows
        forward = (mix.bound(x, f, shares, change, y),)
        if dy is None:
            return KernelCalls(forward)
        filled = state.grad.shares, _or_unused(dx, dy), _or_unused(df, dy)
        return KernelCalls(forward, (unmix.bound(dy, change, shares, *filled),))


class PBLDKernel(CompiledKernel):
    """Sines and cosines together, and all gradients of a feature in one pass.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "pbld_jit"
    replaces = (PBLD,)
    example_shapes = ((20,),)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y and the sines and cosines, then all gradients."""
        (state,) = site.states
        views = _batch_last(state.angles, state.cosines, state.slopes, *_filled(site))
        w, phases, weights, grad = state.frequencies, state.phases, state.weights, state.grad
        if views is None or site.x.dtype != weights.dtype:
            return None
        *waves, y, dy, dx = views
        x = np.empty(site.x.T.shape, weights.dtype)  # a contiguous copy
        copy = scale.bound(site.x.T, weights.dtype.type(1), x)
        fill = embed.bound(x, w, phases, weights, state.biases, *waves[:2], y)
        if dy is None:
            return KernelCalls((copy, fill))
        filled = grad.frequencies, grad.phases, grad.weights, grad.biases, _or_unused(dx, x)
        backward = embed_backwards.bound(x, dy, w, weights, *waves, *filled)
        return KernelCalls((copy, fill), (backward,))


def _filled(site: KernelSite) -> tuple[Any, ...]:
    """Return what a layer with one input fills, and the gradient that it reads: y, dy and dx."""
    return site.y, site.dy, site.dx


def _batch_last(*arrays: Array | None) -> list[Any] | None:
    """Return (n, …, features) as (…, features, n); None unless all are floats in that order."""
    moved = [None if array is None else np.moveaxis(array, 0, -1) for array in arrays]
    present = [array for array in moved if array is not None]
    fits = all(array.dtype in FLOATS and array.flags.c_contiguous for array in present)
    return moved if fits else None


def _or_unused(dx: Array | None, like: Array) -> Array:
    """Return a gradient, or if it is not needed, an array without columns."""
    return np.empty((len(like), 0), like.dtype) if dx is None else dx


def _complete(
    forward: Sequence[NativeCall | None], backward: Sequence[NativeCall | None]
) -> KernelCalls | None:
    """Return the calls; None if a product does not support its arrays' memory order."""
    if None in (*forward, *backward):
        return None
    arrays = tuple(array for array in (*forward, *backward) if array is not None)
    return KernelCalls(arrays[: len(forward)], arrays[len(forward) :])
