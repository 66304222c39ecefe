"""Forecasts from the end of each series: the rows that they read, and the times they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, missing_values
from declnet.data.dates import times_after
from declnet.data.preparing.windows import Windows
from declnet.display.words import counted
from declnet.errors import DataError


def with_future(windows: Windows, table: Table, targets: Sequence[str]) -> Table:
    """Return a table in which the rows to forecast are at the end of each series.

    If only times are known in advance, rows at the end without targets are those to forecast;
    where there are too few, they are added.

    Args:
        targets: the columns of the targets.

    Raises:
        DataError: the times of a series do not say which ones follow.
    """
    time, horizon = windows.time, windows.spec.horizon
    unknown = _without_targets(windows, table, targets)
    if time is None or unknown is None:
        return table
    positions, is_new, times = [], [], []
    for of_series in windows.series_in(table).values():
        end = _end(of_series, unknown)
        added = horizon if len(of_series) - end < horizon else 0
        rows = of_series[: end if added else end + horizon]
        positions.append(np.concatenate([rows, np.repeat(rows[-1:], added)]))
        is_new.append(np.arange(len(rows) + added) >= len(rows))
        if added:
            times.append(_times_after(windows, table, rows))
    if not times:
        return table.take(np.concatenate(positions))
    new, extended = np.concatenate(is_new), table.take(np.concatenate(positions))
    columns = dict(extended.columns)
    columns[time] = columns[time].copy()
    columns[time][new] = np.concatenate(times)
    for name in targets:
        values = columns[name]
        columns[name] = values.copy() if values.dtype.kind == "O" else values.astype(float)
        columns[name][new] = None if values.dtype.kind == "O" else np.nan
    return replace(extended, columns=columns)


def _without_targets(windows: Windows, table: Table, targets: Sequence[str]) -> Array | None:
    """Return which rows (n,) have no target; None if those to forecast are not found by that."""
    if windows.time is None or not windows.knows_times_only or not {*targets} <= {*table.columns}:
        return None
    lacking: Array = np.all([missing_values(table.columns[name]) for name in targets], axis=0)
    return lacking


def _end(rows: Array, unknown: Array) -> int:
    """Return how many rows of a series come before those to forecast; all if none has a target."""
    present = np.flatnonzero(~unknown[rows])
    return int(present[-1]) + 1 if present.size else len(rows)


def forecastable(
    windows: Windows, table: Table, targets: Sequence[str]
) -> tuple[Table, str | None]:
    """Return the rows of series that can be forecast, and a warning if others are too short.

    Args:
        table: rows before `with_future`.
        targets: the columns of the targets.

    Raises:
        DataError: all series are too short, or one is not in the order of time.
    """
    series = windows.series_in(table)
    unknown, needed = _without_targets(windows, table, targets), windows.spec.past
    if unknown is None and windows.spec.known:
        needed += windows.spec.horizon
    lengths = {
        name: len(rows) if unknown is None else _end(rows, unknown) for name, rows in series.items()
    }
    longest = max(lengths, key=lambda name: lengths[name])
    windows.require_rows(longest, lengths[longest], needed, "a forecast")
    warning = windows.left_out_among(lengths, needed, "a forecast")
    if warning is None:
        return table, None
    long = [rows for name, rows in series.items() if lengths[name] >= needed]
    return table.take(np.sort(np.concatenate(long))), warning


def _times_after(windows: Windows, table: Table, rows: Array) -> Array:
    """Return the times of the horizon after some rows of a series, in order."""
    column = table.columns[str(windows.time)]
    times = times_after(column[rows], windows.spec.horizon)
    if times is None:
        raise DataError(
            f'the times in "{windows.time}" up to {column[rows[-1]]} are not at equal distances, '
            "so those to forecast are unknown",
            hint=f"add {counted(windows.spec.horizon, 'row')} with their times and no target",
            path=("data", "split", "column"),
            code="E039",
        )
    return times


def steps(windows: Windows, table: Table) -> dict[str, Array]:
    """Return what tells the forecasts for the rows of a horizon apart.

    Args:
        table: as `with_future` returns it.

    Returns:
        A column (series, horizon): the times, or, if times are not at equal distances or there
        are none, the number of the row after the last one.
    """
    horizon, series = windows.spec.horizon, windows.series_in(table)
    if windows.time is not None:
        column = table.columns[windows.time]
        if windows.spec.known:
            return {windows.time: np.stack([column[rows[-horizon:]] for rows in series.values()])}
        times = [times_after(column[rows], horizon) for rows in series.values()]
        known = [of_series for of_series in times if of_series is not None]
        if len(known) == len(times):
            return {windows.time: np.stack(known)}
    if horizon == 1:
        return {}
    return {"step": np.tile(np.arange(1, horizon + 1), (len(series), 1))}


def last(windows: Windows, table: Table) -> tuple[Array, Array | None]:
    """Return the rows that forecasts from the end of each series read.

    Returns:
        The positions of the last `past` rows of each series, (series, past). If columns are
        known in advance, the rows of the horizon follow them, (series, horizon).

    Raises:
        DataError: a series has too few rows, or is not in the order of time.
    """
    past, known = windows.spec.past, bool(windows.spec.known)
    future = windows.spec.horizon if known else 0
    series = windows.series_in(table)
    for name, rows in series.items():
        windows.require_rows(name, len(rows), past + future, "a forecast")
    ends = np.stack([rows[len(rows) - past - future :] for rows in series.values()])
    return ends[:, :past], ends[:, past:] if known else None
