"""Comparison of arrays, and of gradients with differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from declnet import Array
from declnet.testing.checking import CheckFailed, require

Function = Callable[[Array], tuple[Array, Array]]

STEPS = (1e-6, 1e-8)
"""Step sizes for differences; a gradient must be wrong with both to be called wrong."""

TOLERANCE = 1e-5
"""Tolerance for slopes, relative to the norm of the gradient."""

ROUNDING = 4e-15
"""Rounding error of a sum, relative to the size of its terms."""

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
    """Raise CheckFailed, with details and advice, if two arrays differ."""
    fault = difference(array, expected, tolerance)
    require(fault is None, f"{what}: {fault}{'; ' if advice else ''}{advice}")


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


def require_gradient(
    function: Function, point: Array, gradient: Array, direction: Array, what: str
) -> None:
    """Check a gradient: its slope along a direction is between the one-sided ones, row by row.

    Where a function is smooth these are the same but for rounding; at a kink they are not.

    Args:
        function: returns for a point the value of each row, or of all together, and the size of
            the numbers of which it is the sum.
        point: (rows, …), where the gradient is checked.
        gradient: the gradient at the point.
        direction: the direction to go in each row.
        what: what the gradient is, for messages.

    Raises:
        CheckFailed: it is wrong for a row whose value is finite.
    """
    value, terms = function(point)
    rows = partial(_in_rows, count=len(value))
    unknown = np.isfinite(value) & ~np.isfinite(rows(gradient)).all(axis=1)
    if unknown.any():
        raise CheckFailed(f"{what} is wrong: it is NaN or infinite{_at(point, unknown)}")
    slope = (rows(gradient) * rows(direction)).sum(axis=1)
    size = np.sqrt((rows(gradient) ** 2).sum(axis=1) * (rows(direction) ** 2).sum(axis=1))
    wrong = np.isfinite(value)
    for step in STEPS:
        above, below = (function(point + way * step * direction)[0] for way in (1, -1))
        slopes = np.stack([above - value, value - below]) / step
        low, high = slopes.min(axis=0), slopes.max(axis=0)
        scale = np.maximum(size, np.abs(slopes).max(axis=0))
        room = TOLERANCE * scale + ROUNDING * terms / step
        wrong &= (slope < low - room) | (slope > high + room)
        if not wrong.any():
            return
    row = int(np.argmax(wrong))
    between = f"{low[row]:.9g}" if low[row] == high[row] else f"{low[row]:.9g} to {high[row]:.9g}"
    raise CheckFailed(
        f"{what} is wrong: in a random direction the slope is {slope[row]:.9g}, differences give "
        f"{between}{_factor(slope[row], high[row])}{_at(point, wrong)}; derive the gradient again"
    )


def _in_rows(array: Array, count: int) -> Array:
    rows: Array = array.reshape(count, -1)
    return rows


def _at(point: Array, wrong: Array) -> str:
    """Return text for the first numbers of a wrong row, if there are several rows."""
    if len(wrong) == 1:
        return ""
    numbers = point[int(np.argmax(wrong))].reshape(-1)
    shown = ", ".join(f"{number:.6g}" for number in numbers[:3])
    return f" at ({shown}{', …' if len(numbers) > 3 else ''})"


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
