"""Losses of values: means over the outputs of a function of the error, with its gradient.

The arrays of the routines have the batch axis last, (outputs, n); divisible by samples.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, of_its_type, share
from declnet_plugins.kernels.memory_orders import rows_of_features
from declnet_plugins.standard.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError

F = np.float32

BLOCK = np.uint64(1024)


def mean_of(element: Callable[..., Any], slope: Callable[..., Any]) -> Routine:
    """Return the routine of a loss, given functions of the error and a number for each output."""

    @Routine
    def fill_mean(  # type: ignore[no-untyped-def]
        part, parts, y, y_true, number, weights, losses, dy
    ):
        """Losses = the mean of element(y - y_true); dy = slope(y - y_true) * weights / outputs.

        dy of no rows is not filled.
        """
        outputs, zero = np.uint64(y.shape[0]), losses.dtype.type(0)
        fraction = losses.dtype.type(1) / losses.dtype.type(outputs)
        first, last = share(y.shape[1], part, parts)
        for start in range(first, last, BLOCK):
            stop = min(last, start + BLOCK)
            for s in range(start, stop):
                losses[s] = zero
            for c in range(outputs):
                for s in range(start, stop):
                    losses[s] += element(y[c, s] - y_true[c, s], number)
            for s in range(start, stop):
                losses[s] *= fraction
            for c in range(np.uint64(dy.shape[0])):
                for s in range(start, stop):
                    dy[c, s] = slope(y[c, s] - y_true[c, s], number) * (weights[s] * fraction)

    return fill_mean


def square(error: Any, _one: Any) -> Any:
    """Return error**2."""
    return error * error


def twice(error: Any, _one: Any) -> Any:
    """Return 2 * error."""
    return error + error


def size(error: Any, _one: Any) -> Any:
    """Return |error|."""
    return abs(error)


def sign(error: Any, one: Any) -> Any:
    """Return 1 or -1; 0 and NaN stay."""
    zero = one - one
    return one if error > zero else (-one if error < zero else error)


def bounded(error: Any, delta: Any) -> Any:
    """Return the error clipped to [-delta, delta]."""
    low = -delta if error < -delta else error
    return delta if low > delta else low


def huber(error: Any, delta: Any) -> Any:
    """Return c * |error| - c**2 / 2, c = min(|error|, delta)."""
    least = delta if abs(error) > delta else abs(error)
    return least * (abs(error) - of_its_type(error, F(0.5), 0.5) * least)


class MeanLossKernel(CompiledKernel):
    """A mean over the outputs of a function of the error."""

    routine: ClassVar[Routine]

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill the losses and the weighted gradient of y in one call."""
        rows = rows_of_features(site.y, site.y_true, site.dx)
        if rows is None:
            return None
        y, y_true, dy = rows
        number = y.dtype.type(self._number(site.components[0]))
        call = self.routine.bound(
            y,
            y_true,
            number,
            site.normalized_weights,
            site.losses,
            y[:0] if dy is None else dy,
        )
        return KernelCalls((call,))

    def _number(self, loss: Any) -> float:
        """Return the number that the functions of the error take."""
        return 1.0


class MeanSquaredErrorKernel(MeanLossKernel):
    """losses = mean of (y - y_true)**2; dy = 2 * (y - y_true) / outputs * normalized weights."""

    type = "mean_squared_error_jit"
    replaces = (MeanSquaredError,)
    routine = mean_of(square, twice)


class MeanAbsoluteErrorKernel(MeanLossKernel):
    """losses = mean of |y - y_true|; dy = sign(y - y_true) / outputs * normalized weights."""

    type = "mean_absolute_error_jit"
    replaces = (MeanAbsoluteError,)
    routine = mean_of(size, sign)


class HuberKernel(MeanLossKernel):
    """losses = mean of c * e - c**2 / 2, c = min(e, delta), e = |y - y_true|.

    dy = clip(y - y_true, -delta, delta) / outputs * normalized weights.
    """

    type = "huber_jit"
    replaces = (Huber,)
    routine = mean_of(huber, bounded)

    def _number(self, loss: Any) -> float:
        delta: float = loss.delta
        return delta
