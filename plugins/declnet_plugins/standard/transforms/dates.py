"""Dates and times as numbers."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, ColumnError, Transform, TransformState, date_form, read_dates

Part = Literal[
    "elapsed",
    "year",
    "quarter",
    "month",
    "day",
    "day_of_year",
    "weekday",
    "hour",
    "minute",
    "second",
    "time_of_day",
]

PERIODS = {
    "quarter": 4,
    "month": 12,
    "day": 31,
    "day_of_year": 365.2425,
    "weekday": 7,
    "hour": 24,
    "minute": 60,
    "second": 60,
    "time_of_day": 24,
}
"""Length of the cycle of each periodic part, in its own unit."""
FROM_ONE = frozenset({"quarter", "month", "day", "day_of_year"})

USUAL: tuple[Part, ...] = ("elapsed", "day_of_year", "weekday", "time_of_day")
OF_TIMES: tuple[Part, ...] = ("hour", "minute", "second", "time_of_day")

DAYS_PER_YEAR, SECONDS_PER_DAY = 365.2425, 86400
SAMPLE = 200
"""Cells at the start of a column that decide whether it looks like dates."""


def looks_like_dates(column: Array) -> bool:
    """Return whether a column is text that begins with dates or times."""
    return date_form(column, SAMPLE) is not None


class Datetime(Transform):
    """y = sin(2πp / P), cos(2πp / P) for each part p of a date or time that has a period P.

    Reads ISO 8601, `31.12.2024`, `12/31/2024`, `31 Dec 2024` and `Dec 31, 2024`, each with or
    without a time, and times alone; an offset from UTC is applied. `elapsed` counts years since the
    first date of the training data. Missing values become NaN in all parts.
    """

    type = "datetime"
    examples = (
        {},
        {"columns": ["sold_on"], "parts": ["year", "month", "weekday"], "cycles": False},
        {"order": "day_first"},
    )

    parts: tuple[Part, ...] | None = Field(
        default=None,
        min_length=1,
        description="parts of dates to use; default: elapsed, day_of_year, weekday and "
        "time_of_day, if "
        "they vary in the training data",
    )
    cycles: bool = Field(
        default=True,
        description="whether periodic parts become a sine and a cosine; else numbers, with weekday "
        "0 for Monday and time_of_day in hours",
    )
    order: Literal["day_first", "month_first"] | None = Field(
        default=None,
        description="order of dates such as 03/04/2021; default: the only possible one",
    )

    def suits(self, column: Array) -> bool:
        """Return whether the column is text that begins with dates or times."""
        return looks_like_dates(column)

    def fit(self, x: Array) -> TransformState:
        """Return how the dates are written, the parts, and the first date in days since 1970."""
        form = self._form(x)
        moments = _moments(x, form)
        if np.isnan(moments).all():
            raise ColumnError(
                "is empty: all values are missing", hint="leave it out of the features"
            )
        start = float(np.nanmin(moments[:, 0] + moments[:, 1] / SECONDS_PER_DAY))
        allowed = OF_TIMES if form == "time" else None
        parts = self.parts or tuple(
            part
            for part in USUAL
            if (allowed is None or part in allowed) and _varies(part_of(moments, part, start))
        )
        wrong = [part for part in parts if allowed is not None and part not in allowed]
        if wrong:
            raise ColumnError(f"holds times without a date, which have no {wrong[0]}")
        usual = "time_of_day" if form == "time" else "elapsed"
        return {"form": form, "parts": list(parts or (usual,)), "start": start}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return floats (n, numbers)."""
        return self.numbers_of(_moments(x, state["form"]), state)

    def numbers_of(self, moments: Array, state: TransformState) -> Array:
        """Return the parts of moments, floats (n, numbers).

        Args:
            moments: days since 1970-01-01 and seconds of the day, (n, 2); NaN for missing ones.
            state: as of `apply`.
        """
        columns: list[Array] = []
        for part in state["parts"]:
            values = part_of(moments, part, state["start"])
            if not self._is_cycle(part):
                columns.append(values)
                continue
            angle = 2 * np.pi / PERIODS[part] * (values - (part in FROM_ONE))
            columns += [np.sin(angle), np.cos(angle)]
        return np.stack(columns, axis=1)

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names such as `column.year` and `column.month_sin`."""
        endings = [
            ending
            for part in state["parts"]
            for ending in ([f"{part}_sin", f"{part}_cos"] if self._is_cycle(part) else [part])
        ]
        return tuple(f"{name}.{ending}" for name in names for ending in endings)

    def _is_cycle(self, part: str) -> bool:
        return self.cycles and part in PERIODS

    def _form(self, x: Array) -> str:
        if x.dtype.kind != "O":
            raise ColumnError("holds numbers, not dates", hint="name columns of text")
        form = date_form(x) or date_form(x, SAMPLE)
        if form == "ambiguous":
            if self.order is not None:
                return self.order
            example = next(text for text in x if text is not None)
            raise ColumnError(
                f'holds dates such as "{example}", of which the day or the month may come first',
                hint='set order = "day_first" or "month_first"',
            )
        if form is None:
            raise ColumnError("is text, not dates", hint="name other columns")
        return form


def _moments(x: Array, form: str) -> Array:
    """Return the days since 1970-01-01 and the seconds of the day, (n, 2), NaN if missing."""
    moments = read_dates(x, form)
    wrong = np.isnat(moments) & (x != None)  # noqa: E711  # elementwise
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ColumnError(
            f'is "{x[row]}", which is not a date or time written as in the training data',
            row,
            "correct it, or list it in missing in the data source",
        )
    dates = moments.astype("datetime64[D]")
    days = (dates - np.datetime64(0, "D")) / np.timedelta64(1, "D")
    return np.stack([days, (moments - dates) / np.timedelta64(1, "s")], axis=1)


def part_of(moments: Array, part: str, start: float) -> Array:
    """Return a part of each moment, NaN for missing values.

    It is arithmetic alone, so that exported files have it too.

    Args:
        moments: days since 1970-01-01 and seconds of the day, (n, 2).
        part: its name.
        start: the first date of the training data, in days since 1970.
    """
    days, seconds = moments[:, 0], moments[:, 1]
    parts: dict[str, Callable[[], Array]] = {
        "elapsed": lambda: (days + seconds / SECONDS_PER_DAY - start) / DAYS_PER_YEAR,
        "weekday": lambda: (days + 3) % 7,  # 1970-01-01 was a Thursday
        "hour": lambda: np.floor(seconds / 3600),
        "minute": lambda: np.floor(seconds / 60) % 60,
        "second": lambda: np.floor(seconds) % 60,
        "time_of_day": lambda: seconds / 3600,
    }
    return parts[part]() if part in parts else _calendar_part(days, part)


def _calendar_part(days: Array, part: str) -> Array:
    """Return a part of days since 1970-01-01 in the Gregorian calendar.

    Years begin in March here, so that leap days come last, and an era has 400 of them. Source:
    Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013: civil_from_days.
    """
    since = days + 719468  # 0000-03-01
    era = np.floor(since / 146097)
    of_era = since - era * 146097
    leaps = np.floor(of_era / 1460) - np.floor(of_era / 36524) + np.floor(of_era / 146096)
    year = np.floor((of_era - leaps) / 365)
    of_year = of_era - (365 * year + np.floor(year / 4) - np.floor(year / 100))
    month = np.floor((5 * of_year + 2) / 153)
    day = of_year - np.floor((153 * month + 2) / 5) + 1
    is_next_year = month >= 10
    month = np.where(is_next_year, month - 9, month + 3)
    year = np.where(is_next_year, year + 1, year) + era * 400
    parts: dict[str, Array] = {"year": year, "month": month, "day": day}
    if part == "day_of_year":
        before = year - 1
        leaps = np.floor(before / 4) - np.floor(before / 100) + np.floor(before / 400)
        parts[part] = days + 719163 - (365 * before + leaps)
    elif part == "quarter":
        parts[part] = np.floor((month + 2) / 3)
    return parts[part]


def _varies(values: Array) -> bool:
    there = values[~np.isnan(values)]
    return bool(len(there) and (there != there[0]).any())
