"""Comparison of arrays, and of gradients with central differences away from kinks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from declnet import Array
from declnet.testing.checking import CheckFailed

Function = Callable[[Array], float]
Draw = Callable[[int], "tuple[Function, Array, Array]"]
"""For a seed: a function, a point, and the gradient to check there."""

STEPS = (1e-5, 1e-7)
"""Step sizes for differences; a kink within the first is rarely within the second."""

DRAWS = 3
"""Random points; a gradient must be wrong at most of them to be called wrong."""

SMALL = 100
"""Arrays with up to this many elements are compared element by element."""

TOLERANCE = 1e-5
"""Tolerance for gradients, relative to the norm or the largest element."""

CLOSE = 1e-9
"""Tolerance for the same float64 computation in another order, relative to the largest value."""

CLOSE_IN_FLOAT32 = 1e-3
"""Tolerance for the same computation in float32."""


def same(first: Array, second: Array) -> bool:
    """Return whether two arrays have exactly equal values; NaN equals NaN."""
    return np.array_equal(first, second, equal_nan=first.dtype.kind in "fc")


LEAST = 1e-3
"""Below this, differences are not relative."""


def difference(
    array: Array, expected: Array, tolerance: float = CLOSE, small: float = LEAST
) -> str | None:
    """Return how two arrays differ, in words, or None if they agree.

    The tolerance is relative to the largest value of `wanted`, or to `small` if that is larger.
    """
    if array.shape != expected.shape:
        return f"it has shape {array.shape} instead of {expected.shape}"
    if not array.size or same(array, expected):
        return None
    if array.dtype.kind == "O":
        pairs = zip(array.flat, expected.flat, strict=True)
        return "{!r} instead of {!r}".format(*next(pair for pair in pairs if pair[0] != pair[1]))
    values, right = array.astype(float), expected.astype(float)
    unlike = np.isfinite(values) != np.isfinite(right)
    finite = np.isfinite(right)
    scale = max(float(np.max(np.abs(right[finite]), initial=0.0)), small)
    with np.errstate(all="ignore"):
        gap = np.where(unlike, np.inf, np.abs(values - right))
    gap[~finite & ~unlike] = 0
    if float(gap.max()) <= tolerance * scale:
        return None
    worst = np.unravel_index(int(gap.argmax()), gap.shape)
    where = ", ".join(str(int(index)) for index in worst)
    return (
        f"{int(np.count_nonzero(gap > tolerance * scale))} of {gap.size} elements differ, most at "
        f"[{where}]: {values[worst]:.9g} instead of {right[worst]:.9g}"
    )


def require_equal(
    array: Array, expected: Array, what: str, advice: str = "", tolerance: float = CLOSE
) -> None:
    """Raise CheckFailed if two arrays differ: what is wrong, how, and the advice."""
    fault = difference(array, expected, tolerance)
    if fault is not None:
        raise CheckFailed(f"{what}: {fault}{'; ' if advice else ''}{advice}")


def unwritten_and_read(
    first: Array, second: Array, poisons: tuple[float, float]
) -> tuple[int, int]:
    """Return how many elements kept what they held before, and how many depend on it otherwise.

    The arrays are the results of two runs whose output arrays held different poisons.
    """
    unwritten = np.ones(first.shape, bool)
    for array, poison in zip((first, second), poisons, strict=True):
        unwritten &= np.isnan(array) if np.isnan(poison) else array == poison
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    return int(np.count_nonzero(unwritten)), int(np.count_nonzero(~unwritten & ~equal))


def require_gradient(draw: Draw, what: str) -> None:
    """Check a gradient at random points, in a random direction and, if small, by element.

    Raises CheckFailed if it is wrong at most points, with the numbers for the first.
    """
    faults = []
    for seed in range(DRAWS):
        fault = disagreement(*draw(seed), seed)
        faults += [fault] if fault else []
        if len(faults) > DRAWS // 2:
            raise CheckFailed(f"{what} is wrong: {faults[0]}; derive the gradient again")
        if seed + 1 - len(faults) > DRAWS // 2:
            return


def disagreement(function: Function, point: Array, gradient: Array, seed: int = 0) -> str | None:
    """Return how a gradient differs from central differences, or None if it agrees at a step."""
    if not np.isfinite(gradient).all():
        count = int(np.count_nonzero(~np.isfinite(gradient)))
        return f"{count} of {gradient.size} elements are NaN or infinite"
    direction = np.random.default_rng([seed, 99]).normal(size=point.shape)
    direction /= max(float(np.sqrt(np.sum(direction**2))), 1e-30)
    comparisons = [partial(_along_a_line, function, point, gradient, direction)]
    if point.size <= SMALL:
        comparisons.append(partial(_by_element, function, point, gradient))
    for compare in comparisons:
        first = compare(STEPS[0])
        if first and compare(STEPS[1]):
            return first
    return None


def _along_a_line(
    function: Function, point: Array, gradient: Array, direction: Array, step: float
) -> str | None:
    numeric, noise = _slope(function, point, direction, step)
    analytic = float(np.sum(gradient * direction))
    scale = max(float(np.sqrt(np.sum(gradient**2))), abs(numeric))
    if abs(analytic - numeric) <= TOLERANCE * scale + noise:
        return None
    return (
        f"in a random direction the slope is {analytic:.9g}, central differences give "
        f"{numeric:.9g}{_factor(analytic, numeric)}"
    )


def _by_element(function: Function, point: Array, gradient: Array, step: float) -> str | None:
    slopes, noise = np.empty(point.shape), 0.0
    for index in np.ndindex(point.shape):
        direction = np.zeros(point.shape)
        direction[index] = 1
        slopes[index], noise = _slope(function, point, direction, step)
    scale = max(float(np.max(np.abs(slopes), initial=0.0)), LEAST)
    fault = difference(gradient, slopes, TOLERANCE + noise / scale)
    return fault and fault.replace("differ", "differ from central differences")


def _slope(function: Function, point: Array, direction: Array, step: float) -> tuple[float, float]:
    """Return the slope along a direction, and a bound for its rounding error."""
    above, below = function(point + step * direction), function(point - step * direction)
    return (above - below) / (2 * step), 1e-14 * (1 + abs(above)) / step


def _factor(number: float, expected: float) -> str:
    """Return text for a simple factor that explains a wrong number, if there is one."""
    if not expected or not np.isfinite(number / expected):
        return ""
    ratio = number / expected
    plain = ratio if abs(ratio) >= 1 else 1 / ratio if ratio else 0.0
    if abs(plain) > 100 or abs(plain - round(plain)) > 1e-3 * abs(plain) or round(plain) == 0:
        return ""
    name = f"{round(plain)}" if abs(ratio) >= 1 else f"1/{round(plain)}"
    return f" (off by the factor {name})" if name != "1" else ""
