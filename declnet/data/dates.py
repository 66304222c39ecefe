"""Dates and times: how columns of text write them, and which ones follow in a regular series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import missing_values

AMBIGUOUS = "ambiguous"
"""Dates such as 03/04/2021, of which the day or the month may come first."""

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = r"(?: ?(?:Z|UTC|GMT|(?P<zone>[+-]\d\d(?::?\d\d)?)))?"
_DAY, _MONTH, _NAME = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})", r"(?P<name>[A-Za-z]{3,9})\.?"
_YEAR, _SIGN, _SAME = r"(?P<year>\d{4})", "(?P<sign>[-/.])", "(?P=sign)"
_SHORT_YEAR = r"(?P<year>\d{4}|(?<=/)\d\d)"
_FORMS = {
    "year_first": f"{_YEAR}{_SIGN}{_MONTH}(?:{_SAME}{_DAY})?",
    "day_first": f"{_DAY}{_SIGN}{_MONTH}{_SAME}{_SHORT_YEAR}",
    "month_first": f"{_MONTH}{_SIGN}{_DAY}{_SAME}{_SHORT_YEAR}",
    "day_name": f"{_DAY}[ -]{_NAME}[ -]{_YEAR}",
    "name_day": f"{_NAME} {_DAY},? {_YEAR}",
    "month_name": f"{_NAME}[ -]{_YEAR}",
    "time": None,
}
"""The pattern of the date in each form, which a time may follow."""

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ][01]\d:\d\d(?::\d\d)?|[T ]2[0-3]:\d\d(?::\d\d)?)?", re.ASCII
)
"""Dates and times that Python reads, many times faster than a pattern's groups."""

_PERIOD = re.compile(r"\d{4}[ -]?(?:[QqHh]\d|[WwMm]\d\d)", re.ASCII)

_SPELLINGS = tuple(
    f"{date}{time}"
    for date in (
        *("%Y-%m-%d", "%Y-%m", "%Y/%m/%d", "%Y/%m", "%Y.%m.%d"),
        *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"),
    )
    for time in ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", "T%H:%M:%SZ")
)
"""Patterns in which `dates_like` writes."""

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


def date_form(column: Array, most: int | None = None) -> str | None:
    """Return how the dates or times in a column (n,) are written, or None if it has others.

    Args:
        column: text, with None for missing values; other columns have no dates.
        most: examine only so many cells at its start, without missing ones.

    Returns:
        `"year_first"`, `"day_first"`, `"month_first"`, or `"ambiguous"` if these two are possible;
        `"day_name"`, `"name_day"` or `"month_name"` with the month's name; `"time"` without a date.
    """
    if column.dtype.kind != "O" or column.ndim != 1:
        return None
    values = set(column[~missing_values(column)][:most].tolist())
    if not values:
        return None
    first = next(iter(values))
    forms = [form for form in _FORMS if _moment(first, form) is not None]
    fitting = [form for form in forms if all(_moment(value, form) is not None for value in values)]
    if len(fitting) > 1:
        return "day_first" if all("." in value for value in values) else AMBIGUOUS
    return fitting[0] if fitting else None


def odd_date(texts: Sequence[str]) -> str | None:
    """Return the first of some texts that is not a date as nearly all others are, if they are.

    Args:
        texts: different texts, of which the first hundred decide.
    """
    first = texts[:100]
    fitting = {form: sum(_moment(text, form) is not None for text in first) for form in _FORMS}
    usual = max(fitting, key=lambda form: fitting[form])
    dates = sum(any(_moment(text, form) is not None for form in _FORMS) for text in first)
    if dates < max(0.9 * len(first), 2):
        return None
    return next((text for text in texts if _moment(text, usual) is None), None)


def are_periods(column: Array) -> bool:
    """Return whether texts (n,) are quarters, weeks and so on, which sort correctly as text."""
    texts = set(column.tolist())
    return all(map(_PERIOD.fullmatch, texts)) and len({*map(len, texts)}) == 1


def odd_dates(column: Array) -> tuple[Array, str | None]:
    """Return where a column (n,) of text is not written in its most frequent form, and a date.

    Returns:
        Booleans (n,), true for missing cells too; and a date of the column in that form, None if
        there are no dates.
    """
    texts = set(column.tolist()) - {None}
    fitting = {form: [text for text in texts if _moment(text, form)] for form in _FORMS}
    usual = max(fitting, key=lambda form: len(fitting[form]))
    return ~np.isin(column, fitting[usual]), min(fitting[usual], default=None)


def read_dates(column: Array, form: str) -> Array:
    """Return a column of text (n,) as datetime64 in microseconds.

    Cells that are missing or not written in the form are NaT. Times with an offset from UTC are
    converted to UTC; times without a date are on 1970-01-01.
    """
    epoch, microsecond = datetime(1970, 1, 1), timedelta(microseconds=1)
    texts = column.tolist()
    moments = {text: None if text is None else _moment(text, form) for text in set(texts)}
    missing = np.iinfo(np.int64).min  # NaT
    numbers = {
        text: missing if moment is None else (moment - epoch) // microsecond
        for text, moment in moments.items()
    }
    return np.array([numbers[text] for text in texts], np.int64).view("datetime64[us]")


def written_date(moment: datetime, form: str, *, with_time: bool) -> str:
    """Return a moment as text in a form; in an ambiguous one, its day is at most 12."""
    month, name = f"{moment.month:02}", _MONTHS[moment.month - 1][:3].capitalize()
    day, year = f"{moment.day:02}", f"{moment.year:04}"
    date = {
        "year_first": f"{year}-{month}-{day}",
        "day_first": f"{day}/{month}/{year}",
        "month_first": f"{month}/{day}/{year}",
        AMBIGUOUS: f"{min(moment.day, 12):02}/{month}/{year}",
        "day_name": f"{day} {name} {year}",
        "name_day": f"{name} {day}, {year}",
        "month_name": f"{name} {year}",
        "time": "",
    }[form]
    return f"{date} {moment:%H:%M:%S}".strip() if with_time else date


def dates_like(moments: Array, text: str, form: str) -> Array:
    """Return moments (n,), datetime64, as text, written like a date in a form if possible.

    Args:
        text: a date of the same column, e.g. `1949-12`, which says whether days and times are
            written; other spellings are written as in 1949-12-31.
    """
    known, times = _moment(text, form), moments.astype("datetime64[us]")
    has_times = bool((times != times.astype("datetime64[D]")).any())
    patterns = [
        pattern
        for pattern in _SPELLINGS
        if not (form == "month_first" and pattern.startswith("%d"))
        and ("%H" in pattern or not has_times)
        and known is not None
        and f"{known:{pattern}}" == text
    ]
    pattern = (*patterns, "%Y-%m-%d %H:%M:%S" if has_times else "%Y-%m-%d")[0]
    texts = np.empty(len(times), object)
    texts[:] = [f"{moment:{pattern}}" for moment in times.tolist()]
    return texts


@cache
def _pattern(form: str) -> re.Pattern[str]:
    date = _FORMS[form]
    return re.compile(_TIME if date is None else f"{date}(?:[T ]{_TIME}{_ZONE})?", re.ASCII)


def _moment(text: str, form: str) -> datetime | None:
    """Return a date and time, or None if the text is not one in this form."""
    if form == "year_first" and _ISO.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    match = _pattern(form).fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    year, month = int(part.get("year") or 1970), int(part.get("month") or 1)
    if len(part.get("year") or "1970") == 2:
        year += 1900 if year > 68 else 2000  # as POSIX does
    if "name" in part:
        month = _month_named(part["name"])
    hour = int(part["hour"] or 0)
    if part["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if part["half"] in "Pp" else 0)
    micro = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(
            year, month, int(part.get("day") or 1), hour, int(part["minute"] or 0),
            int(part["second"] or 0), micro,
        )  # fmt: skip
        zone = part.get("zone")
        return moment - _offset(zone) if zone else moment
    except (ValueError, OverflowError):
        return None


def _month_named(name: str) -> int:
    """Return the number of an English month, in full or abbreviated, or 0."""
    lower = name.lower()
    return next(
        (at for at, month in enumerate(_MONTHS, start=1)
         if lower in (month, month[:3]) or (lower, at) == ("sept", 9)), 0,
    )  # fmt: skip


def _offset(zone: str) -> timedelta:
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return timedelta(minutes=-minutes if zone.startswith("-") else minutes)


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
