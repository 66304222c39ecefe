"""Windows: samples are consecutive rows of a table, and their targets the rows that follow.

Rows are split by time before they are cut, and each belongs to one data set. The past of a window
may reach into the rows of an earlier set, as it does when a model is used; the rows that it
forecasts are all of its own set, so no target is in two sets. If a table holds several series,
their rows are split at common times, and each series is cut separately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, missing_values
from declnet.contracts.memory import beyond_memory
from declnet.contracts.network.inputs import UNNAMED
from declnet.data.columns import losses_hint, refuse_rows, require_column
from declnet.data.preparing.targets import LossTarget
from declnet.data.splits import Data, distinct, members_of, moments_in
from declnet.display.words import counted
from declnet.errors import DataError, KeyPath
from declnet.spec.data_section import DataSpec, WindowSpec

AT_WINDOWS: KeyPath = ("data", "windows")
AT_SERIES: KeyPath = (*AT_WINDOWS, "series")
PAST, FUTURE = "past", "future"
"""The inputs of a model, if columns are known in advance; otherwise the past is the only one."""


@dataclass(frozen=True)
class Windows:
    """The cutting of a run's tables into windows.

    Attributes:
        spec: the section `data.windows`.
        time: the column that proves the order of the rows of each series; None if their order is
            trusted.
    """

    spec: Annotated[WindowSpec, BeforeValidator(WindowSpec.model_validate)]
    time: str | None = None

    @classmethod
    def from_spec(cls, data: DataSpec) -> Windows | None:
        """Return what a spec says; None if samples are single rows."""
        if data.windows is None:
            return None
        return cls(data.windows, data.split.column if data.split.method == "time" else None)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the model's inputs."""
        return (PAST, FUTURE) if self.spec.known else (UNNAMED,)

    def features(
        self, data: Table, without: Sequence[str], loss_targets: Sequence[LossTarget]
    ) -> tuple[str, ...]:
        """Return the columns whose past a model sees, the targets last.

        Args:
            without: columns with another purpose; a known one is a feature as well, such as a date.
            loss_targets: the targets as the losses take them.

        Raises:
            DataError: a loss needs classes, or a known column is not a feature.
        """
        for target in loss_targets:
            if target.kind != "values":
                raise DataError(
                    "windows forecast numbers, but the loss needs classes",
                    hint=losses_hint("values"),
                    path=target.path,
                    code="E041",
                )
        targets = data.target_columns
        if self.spec.series is not None:
            require_column(data.columns, self.spec.series, path=AT_SERIES)
            if self.spec.series in targets:
                raise DataError(
                    f'column "{self.spec.series}" is the target, so it cannot tell series apart',
                    hint="name the column that does",
                    path=AT_SERIES,
                    code="E039",
                )
        left_out = {*targets, *set(without).difference(self.spec.known)}
        names = [column for column in data.feature_columns if column not in left_out]
        for name in names:
            require_column(data.columns, name)
        for position, name in enumerate(self.spec.known):
            path = (*AT_WINDOWS, "known", position)
            require_column(data.columns, name, path=path)
            if name not in names:
                why = "is the target" if name in targets else "is not among the features"
                raise DataError(
                    f'the known column "{name}" {why}',
                    hint="remove it: only its past is an input"
                    if name in targets
                    else "add it to features, or remove it here",
                    path=path,
                    code="E039",
                )
        return (*names, *targets)

    def series_in(self, table: Table) -> dict[Any, Array]:
        """Return the positions of the rows of each series, in the order of their first rows.

        Raises:
            DataError: a row does not say its series, or is not in the order of time.
        """
        rows_of = self._rows_of_series(table)
        if self.time is not None:
            require_column(table.columns, self.time)
            moments = moments_in(table, self.time)
            for series, rows in rows_of.items():
                self._require_order(table, series, rows, moments[rows])
        return rows_of

    def _rows_of_series(self, table: Table) -> dict[Any, Array]:
        """Return the positions of the rows of each series; raise DataError for one of none."""
        name = self.spec.series
        if name is None:
            return {None: np.arange(len(table))}
        require_column(table.columns, name, path=AT_SERIES)
        column = table.columns[name]
        fault, hint = "is missing, so the row belongs to no series", "fill it in, or remove the row"
        gaps = missing_values(column)
        refuse_rows(table, name, gaps, fault, hint=hint, path=AT_SERIES, code="E039")
        in_order = sorted(members_of(distinct(column)[1]), key=lambda rows: int(rows[0]))
        return {column[rows[0]]: rows for rows in in_order}

    def with_past(self, table: Table, positions: Mapping[str, Array]) -> dict[str, Array]:
        """Return the rows of each data set, with those that the first windows of later sets read.

        Args:
            table: what the sets are split from.
            positions: the rows of each set, in ascending order.

        Raises:
            DataError: no series has enough rows in a set for a forecast.
        """
        horizon, past, extended = self.spec.horizon, self.spec.past, dict(positions)
        series = [*self._rows_of_series(table).values()]
        for name, of_set in positions.items():
            is_member = np.zeros(len(table), bool)
            is_member[of_set] = True
            members = [np.flatnonzero(is_member[rows]) for rows in series]
            longest = max(map(len, members))
            if name == "train" and longest < past + horizon:
                break  # an error when it is cut
            if name == "train":
                continue
            if longest < horizon:
                raise DataError(
                    f"{name} data: {counted(longest, 'row')}, too few for a horizon of {horizon}",
                    hint="hold out more rows, or reduce horizon",
                    path=(*AT_WINDOWS, "horizon"),
                    code="E039",
                )
            for rows, inside in zip(series, members, strict=True):
                first = int(inside[0]) if inside.size else 0
                is_member[rows[max(0, first - past) : first]] = True
            extended[name] = np.flatnonzero(is_member)
        return extended

    def long_enough(self, series: Mapping[Any, Array]) -> list[Array]:
        """Return the positions of the rows of each series that has a window.

        Raises:
            DataError: no series has one.
        """
        needed = self.spec.past + self.spec.horizon
        long = [rows for rows in series.values() if len(rows) >= needed]
        if not long:
            name = max(series, key=lambda name: len(series[name]))
            self.require_rows(name, len(series[name]), needed, "a window")
        return long

    def left_out(self, table: Table) -> str | None:
        """Return a warning that some series are too short for a window; None if none is."""
        if self.spec.series is None:
            return None
        lengths = {name: len(rows) for name, rows in self.series_in(table).items()}
        return self.left_out_among(lengths, self.spec.past + self.spec.horizon, "a window")

    def left_out_among(self, lengths: Mapping[Any, int], needed: int, purpose: str) -> str | None:
        """Return a warning that some series, but not all, have too few rows; else None."""
        short = [name for name, rows in lengths.items() if rows < needed]
        if not short or len(short) == len(lengths):
            return None
        one = len(short) == 1
        return (
            f"{len(short)} of {len(lengths)} series {'is' if one else 'are'} "
            f"left out, {'' if one else 'the first '}"
            f'"{short[0]}" with {counted(lengths[short[0]], "row")}: {purpose} takes {needed}'
        )

    def require_rows(self, series: Any, rows: int, needed: int, purpose: str) -> None:
        """Raise DataError if a series has too few rows.

        Args:
            needed: how many it needs at least.
            purpose: what needs them.
        """
        if rows < needed:
            future = f" + horizon {self.spec.horizon}" if needed > self.spec.past else ""
            verb = "is" if rows == 1 else "are"
            where = f' of the series "{series}"' if self.spec.series is not None else ""
            raise DataError(
                f"{counted(rows, 'row')}{where} {verb} too few: {purpose} takes {needed}, past "
                f"{self.spec.past}{future}",
                hint="reduce past or horizon, or use more rows",
                path=(*AT_WINDOWS, "past"),
                code="E039",
            )

    def _require_order(self, table: Table, series: Any, rows: Array, moments: Array) -> None:
        """Raise DataError unless each row of a series is later than the one before."""
        wrong = np.flatnonzero(moments[1:] <= moments[:-1])
        if wrong.size:
            column = table.columns[str(self.time)]
            before, at = (int(row) for row in rows[wrong[0] : wrong[0] + 2])
            where = "the row before"
            hint = "sort the rows by time, with one row for each time; if they are of several "
            hint += 'series, name their column: windows = { …, series = "…" }'
            if self.spec.series is not None:
                where = f'row {table.row_number(before)}, of the same series "{series}"'
                hint = "sort the rows of each series by time, with one row for each time"
            raise DataError.in_cell(
                table.row_number(at),
                str(self.time),
                f"is {column[at]}, which is not after the {column[before]} of {where}",
                hint=hint,
                path=("data", "split", "column"),
                code="E039",
            )

    def require_later(self, sets: Mapping[str, Data]) -> None:
        """Raise DataError unless each data set begins after the end of the one before."""
        if self.time is None:
            return
        for (before, earlier), (name, later) in zip(
            list(sets.items())[:-1], list(sets.items())[1:], strict=True
        ):
            last, first = (moments_in(data, self.time) for data in (earlier, later))
            are_dates = [moments.dtype.kind == "M" for moments in (last, first)]
            if are_dates[0] != are_dates[1]:
                raise DataError(
                    f'column "{self.time}" has dates in only one of the {before} and {name} data',
                    hint="write the times of all data sets alike",
                    path=("data", name),
                    code="E036",
                )
            if first.min() <= last.max():
                ends = earlier.records.columns[self.time][last.argmax()]
                begins = later.records.columns[self.time][first.argmin()]
                raise DataError(
                    f"the {name} data begins at {begins}, but the "
                    f"{'training' if before == 'train' else before} data ends at {ends}",
                    hint="a forecast is tested on what follows its training data",
                    path=("data", name),
                    code="E039",
                )

    def samples(
        self, rows: Array, known: Array | None, y: Mapping[str, Array], series: list[Array]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the windows of a table and the target in the rows after them, series by series.

        Args:
            rows: (rows, columns), prepared; the past of each window comes from these.
            known: (rows, known columns), prepared; None if there are none.
            y: each target, (rows,).
            series: the positions of the rows of each series, all of them long enough.

        Returns:
            The inputs: the past, (n, past, columns), and if columns are known, their future,
            (n, horizon, known columns); and each target, (n, horizon), or (n,) for one row.
        """
        past, horizon = self.spec.past, self.spec.horizon
        before = self._cut(rows, [positions[:-horizon] for positions in series], past)
        later = [positions[past:] for positions in series]

        def after(y: Array) -> Array:
            cut = self._cut(y, later, horizon)
            return cut[:, 0] if horizon == 1 else cut

        targets = {name: after(array) for name, array in y.items()}
        parts = [before, *(() if known is None else (self._cut(known, later, horizon),))]
        return dict(zip(self.inputs, parts, strict=True)), targets

    def references(
        self, y: Mapping[str, Array], series: list[Array]
    ) -> dict[str, dict[str, Array]]:
        """Return what each window is compared with: the values of the season before its target.

        Args:
            y: as for `samples`.
            series: as for `samples`.

        Returns:
            By description, a forecast of each target, in the shape of the target.
        """
        past, horizon, season = self.spec.past, self.spec.horizon, self.spec.season
        ahead = np.arange(horizon)
        before = past + ahead - season * (1 + ahead // season)
        forecasts = {}
        for name, array in y.items():
            cut = self._cut(array, series, past + horizon)[:, before]
            forecasts[name] = cut[:, 0] if horizon == 1 else cut
        described = f"seasonal naive, {season} rows" if season > 1 else "naive, the last value"
        return {described: forecasts}

    @property
    def knows_times_only(self) -> bool:
        """Whether what is known in advance follows from the times of a series."""
        return {*self.spec.known} == {self.time}

    def _cut(self, rows: Array, series: list[Array], size: int) -> Array:
        """Return windows (n, size, …) of consecutive rows of each series, in memory of their own.

        Args:
            series: the positions of the rows of each series.

        Raises:
            DataError: they do not fit in this machine's memory.
        """
        count = sum(1 + (len(positions) - size) // self.spec.step for positions in series)
        excess = beyond_memory(count * size * (np.dtype(np.intp).itemsize + rows[:1].nbytes))
        if excess is not None:
            raise DataError(
                f"the data {excess}: {counted(count, 'window')} of {counted(size, 'row')}",
                hint="reduce past or horizon, or use a larger step",
                path=AT_WINDOWS,
                code="E051",
            )
        view = np.lib.stride_tricks.sliding_window_view
        cut: Array = rows[
            np.concatenate([view(positions, size)[:: self.spec.step] for positions in series])
        ]
        return cut
