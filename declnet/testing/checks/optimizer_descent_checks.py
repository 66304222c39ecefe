"""What an optimizer promises about its purpose: it makes functions small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from declnet.components.arrays import Array
from declnet.testing.benches.optimizer_bench import OptimizerBench
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed
from declnet.testing.subjects import Subject

RATES = (0.1, 0.01, 1.0, 1e-3, 1e-4, 10.0)
"""Learning rates to try; one must do."""

STEPS = 500

Landscape = Callable[[Array], tuple[float, Array]]
"""The value and the gradient at a point."""


def quadratic(w: Array) -> tuple[float, Array]:
    """A bowl that is ten times steeper along one axis than along another."""
    steepness = np.linspace(1, 10, len(w))
    return float(np.sum(steepness * w**2) / 2), steepness * w


def rosenbrock(w: Array) -> tuple[float, Array]:
    """A curved valley, for pairs of numbers; its minimum is at ones."""
    x, y = w[0::2], w[1::2]
    valley = y - x**2
    gradient = np.empty_like(w)
    gradient[0::2] = -400 * x * valley - 2 * (1 - x)
    gradient[1::2] = 200 * valley
    return float(np.sum(100 * valley**2 + (1 - x) ** 2)), gradient


@check
def descends_a_quadratic(subject: Subject) -> None:
    """Comes near the minimum of a quadratic function, with some usual learning rate."""
    _require_descent(subject, quadratic, np.array([1.0, -2.0, 0.5, 1.5]), 0.1)


@check
def descends_rosenbrock(subject: Subject) -> None:
    """Descends into Rosenbrock's valley, with some usual learning rate."""
    _require_descent(subject, rosenbrock, np.array([-1.2, 1.0, 0.0, 0.8]), 0.5)


CHECKS = (descends_a_quadratic, descends_rosenbrock)


def _require_descent(subject: Subject, landscape: Landscape, w: Array, share: float) -> None:
    first, reached = landscape(w)[0], np.inf
    for rate in RATES:
        bench = OptimizerBench(subject.instance, w)
        for step in range(1, STEPS + 1):
            value, gradient = landscape(bench.w)
            if not value < 1e12:
                break
            bench.step(gradient, rate, step)
        value = landscape(bench.w)[0]
        if value < share * first:
            return
        reached = min(reached, value) if np.isfinite(value) else reached
    raise CheckFailed(
        f"after {STEPS} steps the value is {reached:g}, from {first:g}, at the best of the "
        f"learning rates {', '.join(f'{rate:g}' for rate in RATES)}; check the sign and the "
        "size of the step"
    )
