"""Tables of time series: their times, how far these are apart, and what to forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from declnet import (
    Array,
    DataError,
    Interval,
    Table,
    date_form,
    missing_values,
    read_dates,
    require_column,
    usual_interval,
)

TRAINED = 0.7
"""Share of the times, from the first on, whose differences scale the errors of forecasts."""

FEWEST_ROWS = 24
"""Rows from which on a table with regular dates is taken for a series."""

DAY = 86_400_000_000
HOUR = DAY // 24
LONGEST_DAY = 288
"""Most rows of a day that are a season: more would take long windows."""

SEASONS = {
    ("microseconds", DAY): ("daily", 7, 14),
    ("microseconds", 7 * DAY): ("weekly", 52, 13),
    ("microseconds", HOUR): ("hourly", 24, 24),
    ("weekdays", 1): ("on weekdays", 5, 10),
    **{
        (unit, months): of_months
        for unit in ("months", "month_ends")
        for months, of_months in {
            1: ("monthly", 12, 12),
            3: ("quarterly", 4, 4),
            12: ("yearly", 1, 6),
        }.items()
    },
}
"""What to call an interval, the rows in a season, and how many to forecast."""


@dataclass(frozen=True)
class SeriesProfile:
    """What makes a table one or several time series.

    Attributes:
        time: the column of the times.
        column: the column that tells the series apart; None for one series.
        interval: what to call the distance of the times, e.g. `monthly`.
        season: the rows in a season; 1 if there is none.
        horizon: how many rows to forecast.
        count: the number of series.
        rows: the rows of the longest series.
        positive: whether all values of the target are above 0.
        scale: the mean absolute difference of values a season apart in the first 70 % of the times;
            0 if there are none.
        was_found: whether the times were recognized, not named by the user.
    """

    time: str
    column: str | None
    interval: str
    season: int
    horizon: int
    count: int
    rows: int
    positive: bool
    scale: float
    was_found: bool = False


def series_profile(
    table: Table, target: str, time: str | None, series: str | None, horizon: int | None
) -> SeriesProfile | None:
    """Return what makes a table time series; None if it has no regular times.

    Args:
        target: the column to predict.
        time: the column of the times; None: a column of dates at equal distances, if there is one.
        series: the column that tells several series apart.
        horizon: how many rows to forecast; None: as many as suit the distance of the times.

    Raises:
        DataError: a column is missing; the times of a named column are not in order, or not at
            equal distances; or the target does not hold numbers.
    """
    for name in (time, series):
        if name is not None:
            require_column(table.columns, name)
            if name == target:
                raise DataError(f'"{name}" is the target', hint="name another column")
    detected = time is None
    if time is None:
        time = next(_regular_columns(table, target, series), None)
        if time is None and (series is not None or horizon is not None):
            raise DataError(
                "no column has dates at equal distances",
                hint="name the column of the times with --time",
            )
        if time is None:
            return None
    values = table.columns[target]
    if values.dtype.kind == "O":
        raise DataError(f'the target "{target}" is text, so it cannot be forecast')
    moments = _moments(table, time)
    rows_of = _rows_of(table, series)
    interval = _common_interval(table, time, series, moments, rows_of)
    described, season, usual = _season_of(interval)
    longest = max(map(len, rows_of.values()))
    if season > 1 and 3 * season > TRAINED * longest:  # too few to learn from
        season = 1
    return SeriesProfile(
        time,
        series,
        described,
        season,
        horizon or usual,
        len(rows_of),
        longest,
        bool((values > 0).all()),
        _seasonal_difference(values, moments, rows_of, season),
        detected,
    )


def _regular_columns(table: Table, target: str, series: str | None) -> Iterator[str]:
    """Yield the columns of dates that are in order and at equal distances in each series."""
    if len(table) < FEWEST_ROWS:
        return
    for name, column in table.columns.items():
        if name in (target, series) or date_form(column) in (None, "ambiguous", "time"):
            continue
        try:
            moments, rows_of = _moments(table, name), _rows_of(table, series)
            _common_interval(table, name, series, moments, rows_of)
        except DataError:
            continue
        yield name


def _moments(table: Table, time: str) -> Array:
    """Return the times (n,) in a column: datetime64, or numbers."""
    column = table.columns[time]
    gaps = missing_values(column)
    if gaps.any():
        raise DataError.in_cell(table.row_number(int(np.argmax(gaps))), time, "is missing")
    form = date_form(column)
    if form == "ambiguous":
        raise DataError(
            f'dates such as "{column[0]}" may begin with the day or the month',
            hint="write them as in 2024-12-31",
        )
    if form is None and column.dtype.kind not in "fiu":
        raise DataError(
            f'column "{time}" does not hold times, but e.g. "{column[0]}"',
            hint="name a column of dates or numbers, all written alike",
        )
    return column if form is None else read_dates(column, form)


def _rows_of(table: Table, series: str | None) -> dict[str, Array]:
    """Return the rows of each series, by its name."""
    if series is None:
        return {"": np.arange(len(table))}
    column = table.columns[series]
    gaps = missing_values(column)
    if gaps.any():
        row, why = table.row_number(int(np.argmax(gaps))), "is missing, so the row is of no series"
        raise DataError.in_cell(row, series, why)
    names, number_of = np.unique(column, return_inverse=True)
    order = np.argsort(number_of, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(number_of.reshape(-1)))[:-1])
    return {str(name): rows for name, rows in zip(names, parts, strict=True)}


def _common_interval(
    table: Table, time: str, series: str | None, moments: Array, rows_of: Mapping[str, Array]
) -> Interval:
    """Return the distance of the times in all series; raise DataError at the first other one."""
    intervals = []
    for name, rows in rows_of.items():
        of_series = f' of the series "{name}"' if series is not None else ""
        times = moments[rows]
        wrong = np.flatnonzero(times[1:] <= times[:-1])
        if wrong.size:
            before, row = rows[wrong[0]], rows[wrong[0] + 1]
            raise DataError.in_cell(
                table.row_number(int(row)),
                time,
                f"is {table.columns[time][row]}, not after the {table.columns[time][before]} of "
                f"row {table.row_number(int(before))}{of_series}",
                hint=_order_hint(table, time, series, moments),
            )
        usual = usual_interval(times)
        if usual is None:
            continue
        gaps = np.flatnonzero(~usual[1])
        if gaps.size:
            before, row = rows[gaps[0]], rows[gaps[0] + 1]
            column = table.columns[time]
            raise DataError.in_cell(
                table.row_number(int(row)),
                time,
                f"is {column[row]}, which does not follow {column[before]}{of_series} at the "
                f"distance of the other times, {_season_of(usual[0])[0]}",
                hint="add a row for each missing time, e.g. with the value before it",
            )
        intervals.append(usual[0])
    if not intervals:
        raise DataError(f'column "{time}" has fewer than three times in each series')
    if len({*intervals}) > 1 and intervals[0].unit != "numbers":
        names = " and ".join(sorted({_season_of(interval)[0] for interval in intervals}))
        raise DataError(f"the series have times at different distances: {names}")
    return intervals[0]


def _order_hint(table: Table, time: str, series: str | None, moments: Array) -> str:
    """Return what to do about rows that are not in order: name the series, or sort the rows."""
    if series is None and len(np.unique(moments)) < len(moments):
        for name, column in table.columns.items():
            if name == time or column.dtype.kind not in "Oiu" or missing_values(column).any():
                continue
            codes = np.unique(column, return_inverse=True)[1].reshape(-1)
            pairs = np.stack([codes, np.unique(moments, return_inverse=True)[1].reshape(-1)])
            if len(np.unique(codes)) < len(column) and len(np.unique(pairs, axis=1).T) == len(
                column
            ):
                return f'if "{name}" tells several series apart, add --series {name}'
    return "sort the rows by time, with one row for each time" + (
        " of a series" if series is not None else ""
    )


def _season_of(interval: Interval) -> tuple[str, int, int]:
    """Return what to call an interval, the rows in a season, and how many to forecast."""
    known = SEASONS.get((interval.unit, int(interval.size)))
    if known is not None:
        return known
    if interval.unit == "microseconds":
        a_day = DAY / interval.size
        season = int(a_day) if a_day == int(a_day) and 1 < a_day <= LONGEST_DAY else 1
        return f"every {np.timedelta64(int(interval.size), 'us').item()}", season, max(season, 6)
    if interval.unit == "numbers":
        a_unit = 1 / interval.size
        season = round(a_unit) if 1 < a_unit <= 366 and abs(a_unit % 1 - 0.5) > 0.4 else 1
        return f"every {interval.size:.4g}", season, max(season, 6)
    return f"every {interval.size:g} {interval.unit.replace('_', ' ')}", 1, 6


def _seasonal_difference(
    values: Array, moments: Array, rows_of: Mapping[str, Array], season: int
) -> float:
    """Return the mean absolute difference of values a season apart in the first of the times."""
    last = np.sort(moments)[int(TRAINED * (len(moments) - 1))]
    differences = []
    for rows in rows_of.values():
        trained = values[rows[moments[rows] <= last]].astype(float)
        differences.append(np.abs(trained[season:] - trained[:-season]))
    joined = np.concatenate(differences)
    joined = joined[np.isfinite(joined)]
    return float(joined.mean()) if joined.size else 0.0
