"""Dense layers, alone or fused with a following ReLU."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite
from declnet_jit.arrays import FLOATS, batch_last
from declnet_jit.dense_routines import (
    add_bias,
    rectify_slopes,
    sum_slopes,
    thin_forward,
    thin_input_gradient,
    thin_weight_gradient,
    two_inputs_forward,
    two_inputs_gradient,
)
from declnet_jit.needs_numba import NumbaKernel
from declnet_standard.layers import Dense, ReLU

THIN = 12
"""Largest number of inputs or units for which loops are used instead of BLAS (measured crossover:
between 10 and 16)."""

MOST_OF_THIN = 2048
"""Largest number of weights in a thin layer; beyond that, BLAS is faster."""

Calls = tuple[Callable[[], object], ...]


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
