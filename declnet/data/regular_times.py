"""Regular times: how far apart the times of a series are, and which ones follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from declnet.contracts.arrays import Array
from declnet.data.dates import date_form, dates_like, read_dates

Unit = Literal["numbers", "microseconds", "months", "month_ends", "weekdays"]

CLOSE = 0.05
"""Relative difference of intervals of numbers, such as 1949.083 and 1949.167, that are equal."""

DAY = np.timedelta64(1, "D")
"""Integers without a unit are deprecated in sums of dates."""

USUAL = 0.9
"""Share of the intervals that the usual one must have for times to be continued."""


@dataclass(frozen=True)
class Interval:
    """The distance from one time of a series to the next.

    Attributes:
        unit: what is counted: for dates microseconds, calendar months, from the last day of a month
            to that of another, or days from Monday to Friday; for other times numbers.
        size: how many of them.
    """

    unit: Unit
    size: float

    def after(self, last: Any, count: int) -> Array:
        """Return the times (count,) that follow one.

        Args:
            last: a datetime64, or a number.
        """
        steps: Any = np.arange(1, count + 1)
        following: Array
        if self.unit == "numbers":
            following = last + (steps * self.size).astype(np.asarray(last).dtype)
            return following
        steps, day = steps * int(self.size), last.astype("datetime64[D]")
        month = last.astype("datetime64[M]")
        if self.unit == "microseconds":
            following = last + steps.astype("timedelta64[us]")
        elif self.unit == "weekdays":
            following = np.busday_offset(day, steps) + (last - day)
        elif self.unit == "months":
            months = steps.astype("timedelta64[M]")
            following = (month + months).astype("datetime64[us]") + (last - month)
        else:
            months = (steps + 1).astype("timedelta64[M]")
            following = (month + months).astype("datetime64[D]") - DAY + (last - day)
        return following


def usual_interval(moments: Array) -> tuple[Interval, Array] | None:
    """Return the most frequent interval of a series, and which times follow at it.

    Args:
        moments: (n,) in ascending order, datetime64 or numbers, without missing ones.

    Returns:
        The interval, and booleans (n - 1,): whether each time but the first is one interval after
        the one before. None for fewer than three times.
    """
    if len(moments) < 3:
        return None
    candidates = [
        (Interval(unit, size), np.absolute(steps - size) <= tolerance * size)
        for unit, steps, tolerance in _distances(moments)
        for size in [_most_frequent(steps)]
    ]
    return max(candidates, key=lambda candidate: int(candidate[1].sum()))


def _distances(moments: Array) -> Iterator[tuple[Unit, Array, float]]:
    """Yield the distances (n - 1,) of times in each unit that suits them, and their tolerance."""
    if moments.dtype.kind != "M":
        yield "numbers", np.diff(moments), CLOSE
        return
    yield "microseconds", np.diff(moments.astype("datetime64[us]")).astype(np.int64), 0
    days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
    within, of_day = moments - months, moments - days
    if (within == within[0]).all():
        yield "months", np.diff(months).astype(np.int64), 0
    if not (of_day == of_day[0]).all():
        return
    if ((days + DAY).astype("datetime64[M]") != months).all():
        yield "month_ends", np.diff(months).astype(np.int64), 0
    if np.is_busday(days).all():
        yield "weekdays", np.busday_count(days[:-1], days[1:]), 0


def _most_frequent(steps: Array) -> float:
    """Return the value that occurs most often, of numbers that are not whole the median."""
    if steps.dtype.kind == "f":
        return float(np.median(steps))
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def times_after(column: Array, count: int) -> Array | None:
    """Return the times (count,) that follow a series, written as its own.

    Args:
        column: the times of the series in ascending order: dates as text, or numbers.

    Returns:
        None if too few of the times are at the same distance.
    """
    form = date_form(column)
    if column.dtype.kind == "O" and form is None:
        return None
    moments = column if form is None else read_dates(column, form)
    usual = usual_interval(moments)
    if usual is None or usual[1].mean() < USUAL:
        return None
    following = usual[0].after(moments[-1], count)
    return following if form is None else dates_like(following, column[-1], form)
