"""Dense layers, alone or fused with a following ReLU.

Biases and ReLU are part of the matrix products.

The arrays of the routines have the batch axis last, and an axis for steps before the others, of
length 1 if samples are not sequences: x (steps, inputs, n), y (steps, units, n). Indices are
unsigned, so that the compiler need not handle negative ones and can vectorize.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, product, rectified_gradient
from declnet_plugins.kernels import FLOATS
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.dense import Dense

Call = Callable[[], object]


class DenseKernel(CompiledKernel):
    """y = x @ weights + biases, in one pass over y.

    x may have its samples in either memory order. The summation order differs from NumPy's, a
    relative difference of about 1e-6 in float32.
    """

    type = "dense_jit"
    replaces: ClassVar[tuple[Any, ...]] = (Dense,)
    example_shapes = ((2,), (40,), (5, 3))

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, units) or (n, steps, units), and dweights, dbiases and dx.

        With ReLU, dy may be overwritten.
        """
        weights = site.states[0].weights
        x, y, dy, dx = map(_batch_last, (site.x, site.y, site.dy, site.dx))
        if weights.dtype not in FLOATS or x.dtype != weights.dtype:
            return None
        if not all(array is None or array.flags.c_contiguous for array in (y, dy)):
            return None
        backward = () if dy is None else self._backward(x, y, dy, dx, site)
        calls = [self._forward(x, y, site), *backward]
        supported = tuple(call for call in calls if call is not None)
        if len(supported) < len(calls):  # a memory order that the products do not support
            return None
        return KernelCalls(supported[:1], supported[1:])

    def _forward(self, x: Any, y: Any, site: KernelSite) -> NativeCall | None:
        state = site.states[0]
        weights, biases = state.weights, state.biases if self._biased(site) else None
        low = weights.dtype.type(0 if self._rectified else -inf)
        return product(weights.T, x, y, biases, low)

    def _backward(
        self, x: Any, y: Any, dy: Any, dx: Any, site: KernelSite
    ) -> tuple[Call | None, ...]:
        state, biased, calls = site.states[0], self._biased(site), list[Call | None]()
        weights, grad = state.weights, state.grad
        db = grad.biases if biased else np.empty(weights.shape[1], weights.dtype)
        if self._rectified and dx is None:
            call = rectified_gradient(x, y, dy, grad.weights, db)
            if call is not None:
                return (call,)
        if self._rectified or biased:
            calls.append(partial(self.sum_slopes, y, dy, db))
        calls.append(product(x, dy.swapaxes(1, 2), grad.weights))
        if dx is not None:
            calls.append(product(weights, dy, dx))
        return tuple(calls)

    def sum_slopes(self, y: Array, dy: Array, db: Array) -> None:
        """db = the sums of dy, with ReLU after dy = dy where y > 0, else 0."""
        if self._rectified:
            np.multiply(dy, y > 0, out=dy)
        np.add.reduce(dy, axis=(0, 2), out=db)

    @staticmethod
    def _biased(site: KernelSite) -> bool:
        use_bias: bool = site.components[0].use_bias
        return use_bias

    @property
    def _rectified(self) -> bool:
        return len(self.replaces) > 1


class DenseReLUKernel(DenseKernel):
    """y = max(x @ weights + biases, 0), in one pass over y."""

    type = "dense_relu_jit"
    replaces = (Dense, ReLU)


def _batch_last(array: Array | None) -> Any:
    """Return (n, features) or (n, steps, features) viewed as (steps, features, n)."""
    if array is None:
        return None
    return array.T[None] if array.ndim == 2 else np.moveaxis(array, 0, -1)
