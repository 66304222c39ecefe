"""Compares arrays, and says in words how they differ."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array

CLOSE = 1e-9
"""Tolerance for the same float64 computation in another order, relative to the largest value."""

CLOSE_IN_FLOAT32 = 1e-3
"""Tolerance for the same computation in float32."""


def same(first: Array, second: Array) -> bool:
    """Whether two arrays are equal bit by bit, as far as values show it; NaN equals NaN."""
    return np.array_equal(first, second, equal_nan=first.dtype.kind in "fc")


def difference(found: Array, wanted: Array, tolerance: float = CLOSE) -> str | None:
    """How two arrays differ, in words, or None if they agree.

    Args:
        found: what the component gave.
        wanted: what it should have given.
        tolerance: relative to the largest value of `wanted`, and never less than that of 1e-3.
    """
    if found.shape != wanted.shape:
        return f"it has shape {found.shape} instead of {wanted.shape}"
    if not found.size:
        return None
    given, right = found.astype(float), wanted.astype(float)
    unlike = np.isfinite(given) != np.isfinite(right)
    finite = np.isfinite(right)
    scale = max(float(np.max(np.abs(right[finite]), initial=0.0)), 1e-3)
    with np.errstate(all="ignore"):
        gap = np.where(unlike, np.inf, np.abs(given - right))
    gap[~finite & ~unlike] = 0
    if float(gap.max()) <= tolerance * scale:
        return None
    worst = np.unravel_index(int(gap.argmax()), gap.shape)
    where = ", ".join(str(int(index)) for index in worst)
    return (
        f"{int(np.count_nonzero(gap > tolerance * scale))} of {gap.size} elements differ, most at "
        f"[{where}]: {given[worst]:.9g} instead of {right[worst]:.9g}"
    )


def unwritten(first: Array, second: Array, poisons: tuple[float, float]) -> int:
    """How many elements kept what they held before, in both of two runs with other poisons."""
    kept = [
        np.isnan(array) if np.isnan(poison) else array == poison
        for array, poison in zip((first, second), poisons, strict=True)
    ]
    return int(np.count_nonzero(kept[0] & kept[1]))


def read_before_written(first: Array, second: Array, poisons: tuple[float, float]) -> int:
    """How many elements were written, but by way of what they held before."""
    kept = (np.isnan(first) if np.isnan(poisons[0]) else first == poisons[0]) & (
        np.isnan(second) if np.isnan(poisons[1]) else second == poisons[1]
    )
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    return int(np.count_nonzero(~kept & ~equal))
