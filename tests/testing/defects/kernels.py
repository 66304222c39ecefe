"""Kernels with one defect each, and the correct components that they replace."""

from functools import partial

import numpy as np

from declnet import Elementwise, Kernel, KernelCalls, Loss


class Tripled(Elementwise):
    """Correct: y = 3 * x."""

    type = "tripled"
    backward_needs = frozenset()
    is_linear = True

    def value(self, x, y, scratch):
        np.multiply(x, 3, out=y)

    def derivative(self, x, y, slope):
        slope[...] = 3


class SumOfSquares(Loss):
    """Correct: losses = sum of (y_pred - y_true)**2."""

    type = "sum_of_squares"

    def forward(self, y_pred, y_true, losses):
        error = y_pred - y_true
        np.sum(error * error, axis=tuple(range(1, error.ndim)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2, out=dy_pred)


class TripledSumOfSquares(Kernel):
    """It divides the gradient by the number of samples, and ignores their weights."""

    type = "tripled_sum_of_squares"
    replaces = (Tripled, SumOfSquares)

    def bind(self, site):
        loss = site.components[1]
        forward = (
            partial(np.multiply, site.x, 3, out=site.y),
            partial(loss.forward, site.y, site.y_true, site.losses),
        )
        if site.dx is None:
            return KernelCalls(forward)
        factor = 6 * site.loss_weight / len(site.x)
        difference = partial(np.subtract, site.y, site.y_true, out=site.dx)
        return KernelCalls(
            forward, (difference, partial(np.multiply, site.dx, factor, out=site.dx))
        )


DEFECTS = (("B", TripledSumOfSquares),)
