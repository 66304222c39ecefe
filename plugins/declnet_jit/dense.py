"""Dense layers, alone or fused with a following ReLU.

With few inputs or units, where BLAS is slow, the routines loop over contiguous samples. All their
arrays have the batch axis last: x (inputs, n), y (units, n). Indices are unsigned, so the compiler
need not handle negative ones and can vectorize. Samples are processed in blocks whose rows fit in
the L1 cache. Sums over inputs or units are unrolled by four; the last index pads a shorter
remainder with a weight of 0.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite
from declnet_jit.numba_kernel import FLOATS, NumbaKernel, batch_last
from declnet_jit.routine import Routine
from declnet_standard.layers import Dense, ReLU

BLOCK = np.uint64(512)
ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))

THIN = 12
"""Largest number of inputs or units for which loops are used instead of BLAS (measured crossover:
between 10 and 16)."""

MOST_OF_THIN = 2048
"""Largest number of weights in a thin layer; beyond that, BLAS is faster."""

Calls = tuple[Callable[[], object], ...]


@Routine
def thin_forward(x, w, b, rectified, y):  # type: ignore[no-untyped-def]
    """Y = w.T x + b, or max(w.T x + b, 0)."""
    inputs, n, units = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(y.shape[0])
    last, zero = inputs - ONE, b.dtype.type(0)
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            bias = b[j]
            for s in range(start, stop):
                y[j, s] = bias
        for i in range(ZERO, inputs, FOUR):
            i1, i2, i3 = min(i + ONE, last), min(i + TWO, last), min(i + THREE, last)
            for j in range(units):
                w0 = w[i, j]
                w1 = w[i1, j] if i + ONE < inputs else zero
                w2 = w[i2, j] if i + TWO < inputs else zero
                w3 = w[i3, j] if i + THREE < inputs else zero
                for s in range(start, stop):
                    y[j, s] += w0 * x[i, s] + w1 * x[i1, s] + w2 * x[i2, s] + w3 * x[i3, s]
        if rectified:
            for j in range(units):
                for s in range(start, stop):
                    y[j, s] = zero if y[j, s] < zero else y[j, s]


@Routine
def two_inputs_forward(x, w, b, low, y):  # type: ignore[no-untyped-def]
    """Y = max(w.T x + b, low) for two inputs, in one pass over y."""
    n, units = np.uint64(x.shape[1]), np.uint64(y.shape[0])
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            bias, w0, w1 = b[j], w[ZERO, j], w[ONE, j]
            for s in range(start, stop):
                value = bias + w0 * x[ZERO, s] + w1 * x[ONE, s]
                y[j, s] = low if value < low else value


@Routine
def thin_weight_gradient(x, dy, dw, db):  # type: ignore[no-untyped-def]
    """Dw = x dy.T; db = sum dy."""
    inputs, n, units = np.uint64(x.shape[0]), np.uint64(x.shape[1]), np.uint64(dy.shape[0])
    last, zero = inputs - ONE, dw.dtype.type(0)
    for j in range(units):
        db[j] = zero
        for i in range(inputs):
            dw[i, j] = zero
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(units):
            total = zero
            for s in range(start, stop):
                total += dy[j, s]
            db[j] += total
        for i in range(ZERO, inputs, FOUR):
            i1, i2, i3 = min(i + ONE, last), min(i + TWO, last), min(i + THREE, last)
            for j in range(units):
                a0 = a1 = a2 = a3 = zero
                for s in range(start, stop):
                    slope = dy[j, s]
                    a0 += slope * x[i, s]
                    a1 += slope * x[i1, s]
                    a2 += slope * x[i2, s]
                    a3 += slope * x[i3, s]
                dw[i, j] += a0
                if i + ONE < inputs:
                    dw[i1, j] += a1
                if i + TWO < inputs:
                    dw[i2, j] += a2
                if i + THREE < inputs:
                    dw[i3, j] += a3


@Routine
def two_inputs_gradient(x, y, dy, dw, db):  # type: ignore[no-untyped-def]
    """Dw = x (dy where y > 0).T and db = its sums, for two inputs; dy is unchanged."""
    n, units = np.uint64(x.shape[1]), np.uint64(dy.shape[0])
    zero, one = dw.dtype.type(0), dw.dtype.type(1)
    for j in range(units):
        total = a0 = a1 = zero
        for s in range(n):
            slope = dy[j, s] * (one if y[j, s] > zero else zero)
            total += slope
            a0 += slope * x[ZERO, s]
            a1 += slope * x[ONE, s]
        db[j] = total
        dw[ZERO, j] = a0
        dw[ONE, j] = a1


@Routine
def thin_input_gradient(w, dy, dx):  # type: ignore[no-untyped-def]
    """Dx = w dy."""
    inputs, n, units = np.uint64(dx.shape[0]), np.uint64(dx.shape[1]), np.uint64(dy.shape[0])
    last, zero = units - ONE, w.dtype.type(0)
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(inputs):
            for j in range(ZERO, units, FOUR):
                j1, j2, j3 = min(j + ONE, last), min(j + TWO, last), min(j + THREE, last)
                w0 = w[i, j]
                w1 = w[i, j1] if j + ONE < units else zero
                w2 = w[i, j2] if j + TWO < units else zero
                w3 = w[i, j3] if j + THREE < units else zero
                if j == ZERO:
                    for s in range(start, stop):
                        dx[i, s] = w0 * dy[j, s] + w1 * dy[j1, s] + w2 * dy[j2, s] + w3 * dy[j3, s]
                else:
                    for s in range(start, stop):
                        dx[i, s] += w0 * dy[j, s] + w1 * dy[j1, s] + w2 * dy[j2, s] + w3 * dy[j3, s]


@Routine
def add_bias(y, b, low):  # type: ignore[no-untyped-def]
    """Y = max(y + b, low)."""
    for j in range(np.uint64(y.shape[0])):
        bias = b[j]
        for s in range(np.uint64(y.shape[1])):
            value = y[j, s] + bias
            y[j, s] = low if value < low else value


@Routine
def sum_slopes(dy, db):  # type: ignore[no-untyped-def]
    """Db = sum dy."""
    for j in range(np.uint64(dy.shape[0])):
        total = db.dtype.type(0)
        for s in range(np.uint64(dy.shape[1])):
            total += dy[j, s]
        db[j] = total


@Routine
def rectify_slopes(y, dy, db):  # type: ignore[no-untyped-def]
    """Dy = dy where y > 0, else 0; db = sum dy."""
    zero, one = db.dtype.type(0), db.dtype.type(1)
    for j in range(np.uint64(dy.shape[0])):
        total = zero
        for s in range(np.uint64(dy.shape[1])):
            slope = dy[j, s] * (one if y[j, s] > zero else zero)
            dy[j, s] = slope
            total += slope
        db[j] = total


class DenseKernel(NumbaKernel):
    """y = x @ weights + biases: a loop if one side is thin, else BLAS and one pass for biases.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "dense_jit"
    replaces: ClassVar[tuple[Any, ...]] = (Dense,)
    example_shapes = ((2,), (40,))

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, units), and dweights, dbiases and dx; with ReLU, dy may be overwritten."""
        x, y, dy, dx = site.x, site.y, site.dy, site.dx
        if site.states[0].weights.dtype not in FLOATS or not batch_last(y, dy, dx):
            return None
        forward = self._forward(x, y, site)
        return KernelCalls(forward, () if dy is None else self._backward(x, y, dy, dx, site))

    def _forward(self, x: Array, y: Array, site: KernelSite) -> Calls:
        weights, biases = site.states[0].weights, site.states[0].biases
        rectified = len(self.replaces) > 1
        low = weights.dtype.type(0 if rectified else -inf)
        if not (_is_thin(weights) and batch_last(x)):
            product = partial(np.matmul, x, weights, out=y)
            return product, add_bias.bound(y.T, biases, low)
        if len(weights) == 2:
            return (two_inputs_forward.bound(x.T, weights, biases, low, y.T),)
        return (thin_forward.bound(x.T, weights, biases, rectified, y.T),)

    def _backward(self, x: Array, y: Array, dy: Array, dx: Array | None, site: KernelSite) -> Calls:
        weights, grad = site.states[0].weights, site.states[0].grad
        rectified = len(self.replaces) > 1
        thin = _is_thin(weights)
        loops = thin and batch_last(x)
        if loops and rectified and len(weights) == 2 and dx is None:
            return (two_inputs_gradient.bound(x.T, y.T, dy.T, grad.weights, grad.biases),)
        calls: list[Callable[[], object]] = []
        if rectified:
            calls.append(rectify_slopes.bound(y.T, dy.T, grad.biases))
        elif not loops:
            calls.append(sum_slopes.bound(dy.T, grad.biases))
        if loops:
            calls.append(thin_weight_gradient.bound(x.T, dy.T, grad.weights, grad.biases))
        else:
            calls.append(partial(np.matmul, x.T, dy, out=grad.weights))
        if dx is not None and thin:
            calls.append(thin_input_gradient.bound(weights, dy.T, dx.T))
        elif dx is not None:
            calls.append(partial(np.matmul, dy, weights.T, out=dx))
        return tuple(calls)


class DenseReLUKernel(DenseKernel):
    """y = max(x @ weights + biases, 0), in one pass over y if the layer is thin."""

    type = "dense_relu_jit"
    replaces = (Dense, ReLU)


def _is_thin(weights: Array) -> bool:
    return min(weights.shape) <= THIN and weights.size <= MOST_OF_THIN
