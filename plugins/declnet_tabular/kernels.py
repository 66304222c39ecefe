"""Compiled kernels; the extra `jit` installs their compiler.

The arrays of the routines have the batch axis last: x (inputs, n), y (units, n), with the members
first, if there are some.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_jit import CompiledKernel, Routine, product, share
from declnet_tabular.layers.members import MemberDense
from declnet_tabular.layers.ntp_dense import NTPDense

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
def add_biases(part, parts, biases, y):  # type: ignore[no-untyped-def]
    """Y += biases, for each member."""
    start, stop = share(y.shape[0], part, parts)
    for i in range(start, stop):
        for j in range(np.uint64(y.shape[1])):
            for s in range(np.uint64(y.shape[2])):
                y[i, j, s] += biases[i, j]


@Routine
def sum_members(part, parts, dy, db):  # type: ignore[no-untyped-def]
    """Db = sum dy, for each member."""
    start, stop = share(dy.shape[0], part, parts)
    for i in range(start, stop):
        for j in range(np.uint64(dy.shape[1])):
            total = db.dtype.type(0)
            for s in range(np.uint64(dy.shape[2])):
                total += dy[i, j, s]
            db[i, j] = total


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
        weights, z, grad = state.weights, state.z.T, state.grad
        x, y, dy, dx = map(_batch_last, (site.x, site.y, site.dy, site.dx))
        if weights.dtype not in FLOATS or x.dtype != weights.dtype:
            return None
        if not all(each is None or each.flags.c_contiguous for each in (y, z, dy, dx)):
            return None
        factor = weights.dtype.type(1 / sqrt(len(weights)))
        forward = [scale.bound(x, factor, z), product(weights.T, z, y, state.biases)]
        backward: list[NativeCall | None] = []
        if dy is not None:
            backward = [sum_samples.bound(dy, grad.biases), product(z, dy.T, grad.weights)]
        if dx is not None:
            backward += [product(weights, dy, dx), scale.bound(dx, factor, dx)]
        return _complete(forward, backward)


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
        weights, grad = state.weights, state.grad
        x, y, dy, dx = map(_batch_last, (site.x, site.y, site.dy, site.dx))
        if weights.dtype not in FLOATS or x.dtype != weights.dtype:
            return None
        forward = [product(weights.swapaxes(1, 2), x, y), add_biases.bound(state.biases, y)]
        backward: list[NativeCall | None] = []
        if dy is not None:
            backward = [sum_members.bound(dy, grad.biases)]
            backward.append(product(x, dy.swapaxes(1, 2), grad.weights))
        if dx is not None:
            backward.append(product(weights, dy, dx))
        return _complete(forward, backward)


def _complete(
    forward: Sequence[NativeCall | None], backward: Sequence[NativeCall | None]
) -> KernelCalls | None:
    """Return the calls; None if a product does not support its arrays' memory order."""
    if None in (*forward, *backward):
        return None
    made = tuple(each for each in (*forward, *backward) if each is not None)
    return KernelCalls(made[: len(forward)], made[len(forward) :])


def _batch_last(array: Array | None) -> Any:
    """Return (n, …, features) viewed as (…, features, n)."""
    return None if array is None else np.moveaxis(array, 0, -1)
