"""A network with one hidden layer on points in the plane, in one pass per direction.

The arrays of the routines have the batch axis last: x (2, n), y (outputs, n). Indices are unsigned,
so the compiler can vectorize. With fewer than three outputs, the last one pads the rest with a
weight of 0; the forward pass has a loop for each number of outputs, so no row of y is written
twice. Samples are processed in blocks whose rows fit in the L1 cache.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet import KernelCalls, KernelSite, Shape
from declnet_jit import CompiledKernel, Routine
from declnet_kernels.memory_orders import FLOATS, batch_last
from declnet_standard.layers import Dense, ReLU

BLOCK = np.uint64(512)
ZERO, ONE, TWO = (np.uint64(number) for number in range(3))

MOST_OUTPUTS = 3


@Routine
def planar_forward(x, w, b, v, c, y):  # type: ignore[no-untyped-def]
    """Y = v.T max(w.T x + b, 0) + c, two hidden units at a time."""
    hidden, outputs, n = np.uint64(v.shape[0]), np.uint64(v.shape[1]), np.uint64(x.shape[1])
    zero, last = b.dtype.type(0), hidden - ONE
    k1, k2 = min(ONE, outputs - ONE), min(TWO, outputs - ONE)
    for k in range(outputs):
        bias = c[k]
        for s in range(n):
            y[k, s] = bias
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(ZERO, hidden, TWO):
            m = min(j + ONE, last)
            share = b.dtype.type(1) if m > j else zero
            bg, g0, g1 = b[j], w[ZERO, j], w[ONE, j]
            bh, h0, h1 = b[m], w[ZERO, m], w[ONE, m]
            p0, p1, p2 = v[j, ZERO], v[j, k1], v[j, k2]
            q0, q1, q2 = v[m, ZERO] * share, v[m, k1] * share, v[m, k2] * share
            if outputs == ONE:
                for s in range(start, stop):
                    g = bg + g0 * x[ZERO, s] + g1 * x[ONE, s]
                    h = bh + h0 * x[ZERO, s] + h1 * x[ONE, s]
                    g, h = zero if g < zero else g, zero if h < zero else h
                    y[ZERO, s] += g * p0 + h * q0
            elif outputs == TWO:
                for s in range(start, stop):
                    g = bg + g0 * x[ZERO, s] + g1 * x[ONE, s]
                    h = bh + h0 * x[ZERO, s] + h1 * x[ONE, s]
                    g, h = zero if g < zero else g, zero if h < zero else h
                    y[ZERO, s] += g * p0 + h * q0
                    y[ONE, s] += g * p1 + h * q1
            else:
                for s in range(start, stop):
                    g = bg + g0 * x[ZERO, s] + g1 * x[ONE, s]
                    h = bh + h0 * x[ZERO, s] + h1 * x[ONE, s]
                    g, h = zero if g < zero else g, zero if h < zero else h
                    y[ZERO, s] += g * p0 + h * q0
                    y[ONE, s] += g * p1 + h * q1
                    y[TWO, s] += g * p2 + h * q2


@Routine
def planar_backward(x, w, b, v, dy, dw, db, dv, dc):  # type: ignore[no-untyped-def]
    """Dv = h dy.T, dh = v dy where h > 0, dw = x dh.T, db = sum dh, dc = sum dy."""
    hidden, outputs, n = np.uint64(v.shape[0]), np.uint64(v.shape[1]), np.uint64(x.shape[1])
    zero, one = b.dtype.type(0), b.dtype.type(1)
    k1, k2 = min(ONE, outputs - ONE), min(TWO, outputs - ONE)
    for k in range(outputs):
        total = zero
        for s in range(n):
            total += dy[k, s]
        dc[k] = total
    for j in range(hidden):
        db[j] = zero
        dw[ZERO, j] = zero
        dw[ONE, j] = zero
        for k in range(outputs):
            dv[j, k] = zero
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for j in range(hidden):
            bias, w0, w1 = b[j], w[ZERO, j], w[ONE, j]
            v0 = v[j, ZERO]
            v1 = v[j, k1] if outputs > ONE else zero
            v2 = v[j, k2] if outputs > TWO else zero
            d0 = d1 = d2 = total = e0 = e1 = zero
            for s in range(start, stop):
                h = bias + w0 * x[ZERO, s] + w1 * x[ONE, s]
                slope = (v0 * dy[ZERO, s] + v1 * dy[k1, s] + v2 * dy[k2, s]) * (
                    one if h > zero else zero
                )
                h = zero if h < zero else h
                d0 += h * dy[ZERO, s]
                d1 += h * dy[k1, s]
                d2 += h * dy[k2, s]
                total += slope
                e0 += slope * x[ZERO, s]
                e1 += slope * x[ONE, s]
            db[j] += total
            dw[ZERO, j] += e0
            dw[ONE, j] += e1
            dv[j, ZERO] += d0
            if outputs > ONE:
                dv[j, k1] += d1
            if outputs > TWO:
                dv[j, k2] += d2


class PlanarPerceptronKernel(CompiledKernel):
    """y = max(x @ weights + biases, 0) @ output weights + output biases, for two inputs.

    Hidden values are never stored: with so few inputs, recomputing them in the backward pass is
    cheaper than reading them. Supports up to three outputs.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "planar_perceptron_jit"
    replaces = (Dense, ReLU, Dense)
    example_shapes = ((2,),)

    def suits(
        self, components: Sequence[Any], shapes: Sequence[Shape], input_gradient: bool
    ) -> bool:
        """Return whether the model's input has two coordinates and there are few outputs."""
        return shapes[0] == (2,) and shapes[-1][0] <= MOST_OUTPUTS and not input_gradient

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, outputs), and the gradients of both layers."""
        x, y, dy, (hidden, _, output) = site.x, site.y, site.dy, site.states
        if hidden.weights.dtype not in FLOATS or not batch_last(x, y, dy):
            return None
        if dy is None or site.dx is not None:
            return None
        parameters = hidden.weights, hidden.biases, output.weights
        forward = planar_forward.bound(x.T, *parameters, output.biases, y.T)
        gradients = hidden.grad.weights, hidden.grad.biases, output.grad.weights, output.grad.biases
        backward = planar_backward.bound(x.T, *parameters, dy.T, *gradients)
        return KernelCalls((forward,), (backward,))
