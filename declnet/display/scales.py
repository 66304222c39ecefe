"""The scale of an axis: logarithmic over decades, and cut where a start would flatten the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DECADES = 30.0
"""The ratio of the greatest to the least value from which an axis is logarithmic."""

START = 0.05
"""The part of a line that counts as its start; at least one value."""

LEAST = 10
"""Values below which a line has no start."""

ROOM = 0.15
"""The part of the axis below which what remains of the lines would be flattened."""

OUTLIERS = 0.02
"""The part of the values at each end that may be cut off."""

MARGIN = 0.1
"""The part of the axis beyond the values, where it is cut."""


@dataclass(frozen=True)
class AxisScale:
    """How an axis shows values.

    Attributes:
        logarithmic: whether equal ratios have equal lengths, rather than equal differences.
        low: the least value that it shows.
        high: the greatest one.
        hidden: how many finite values are beyond its ends.
    """

    logarithmic: bool
    low: float
    high: float
    hidden: int = 0


def axis_scale(lines: Iterable[Sequence[float]], *, linear: bool = False) -> AxisScale | None:
    """Return the scale for lines in one chart, e.g. losses by epoch; None without a finite value.

    It is logarithmic if all values are positive and span decades. If the start of a line, or a few
    outliers, would squeeze the rest into a small part of the axis, it ends there; the last value of
    each line is always on it.

    Args:
        lines: the values of each line, in order.
        linear: whether a logarithmic axis makes no sense, as for shares.
    """
    finite = [values for line in lines if (values := [*filter(math.isfinite, line)])]
    if not finite:
        return None
    ends = min(map(min, finite)), max(map(max, finite))
    log = _spans_decades(ends) and not linear
    settled = [_settled(line) for line in finite]
    narrower = min(map(min, settled)), max(map(max, settled))
    inner = [_inner(line) for line in settled]
    narrowest = min(low for low, _ in inner), max(high for _, high in inner)
    cut = False
    for part in (narrower, narrowest):
        if _varies(part) and _length(part, log=log) < ROOM * _length(ends, log=log):
            ends, cut = part, True
            log = _spans_decades(ends) and not linear
    low, high = ends
    if not cut:
        return AxisScale(log, low, high)
    if log:
        ratio = (high / low) ** MARGIN
        low, high = low / ratio, high * ratio
    else:
        margin = MARGIN * (high - low)
        low, high = low - margin if low - margin > 0 or low <= 0 else low, high + margin
    hidden = sum(not low <= value <= high for line in finite for value in line)
    return AxisScale(log, low, high, hidden)


def _spans_decades(ends: tuple[float, float]) -> bool:
    low, high = ends
    return 0 < low < high / DECADES


def _length(ends: tuple[float, float], *, log: bool) -> float:
    low, high = ends
    return math.log(high) - math.log(low) if log else high - low


def _varies(ends: tuple[float, float]) -> bool:
    """Return whether values between two ends differ by more than a thousandth of their size."""
    low, high = ends
    return high - low > 1e-3 * max(abs(low), abs(high))


def _settled(line: Sequence[float]) -> Sequence[float]:
    """Return a line without its start."""
    return line if len(line) < LEAST else line[math.ceil(START * len(line)) :]


def _inner(line: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a line without outliers, but with its last value."""
    ordered, last = sorted(line), line[-1]
    outliers = int(OUTLIERS * len(ordered))
    return min(ordered[outliers], last), max(ordered[-1 - outliers], last)
