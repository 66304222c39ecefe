"""Windows: each sample is some consecutive rows of a table, and what it predicts the rows after.

The rows are split before they are cut, so no window has rows of two data sets, and a split by time
never trains on what follows its validation data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.inputs import UNNAMED, for_each
from declnet.contracts.table import Table
from declnet.data.columns import losses_hint, require_column
from declnet.data.splits import moments_in
from declnet.data.targets import WantedTarget
from declnet.errors import DataError, KeyPath
from declnet.spec.data_section import DataSpec, WindowSpec

AT_WINDOWS: KeyPath = ("data", "windows")
PAST, FUTURE = "past", "future"
"""The inputs of a model, if columns are known in advance; otherwise the past is the only one."""


@dataclass(frozen=True)
class Windows:
    """How a run cuts its tables into windows.

    Attributes:
        spec: the section `data.windows`.
        time: the column that proves the order of the rows; None if their order is trusted.
    """

    spec: WindowSpec
    time: str | None = None

    @classmethod
    def of(cls, data: DataSpec) -> Windows | None:
        """Return what a spec says; None if samples are single rows."""
        if data.windows is None:
            return None
        return cls(data.windows, data.split.column if data.split.method == "time" else None)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the model's inputs."""
        return (PAST, FUTURE) if self.spec.known else (UNNAMED,)

    def features(
        self, data: Table, without: Sequence[str], wanted: Sequence[WantedTarget]
    ) -> tuple[str, ...]:
        """Return the columns whose past a model sees, the targets last.

        Args:
            without: columns with another purpose.
            wanted: the targets as the losses want them.

        Raises:
            DataError: a loss needs classes, or a known column is not a feature.
        """
        for each in wanted:
            if each.kind != "values":
                raise DataError(
                    "windows forecast numbers, but the loss needs classes",
                    hint=losses_hint("values"),
                    path=each.path,
                    code="E041",
                )
        targets = data.target_columns
        names = [each for each in data.feature_columns if each not in {*without, *targets}]
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

    def require_rows(self, rows: int, needed: int, purpose: str) -> None:
        """Raise DataError if a table has too few rows.

        Args:
            needed: how many it needs at least.
            purpose: what needs them.
        """
        if rows < needed:
            future = f" + horizon {self.spec.horizon}" if needed > self.spec.past else ""
            raise DataError(
                f"{rows} rows are too few: {purpose} takes {needed}, past {self.spec.past}{future}",
                hint="take fewer rows in past or horizon, or give more rows",
                path=(*AT_WINDOWS, "past"),
                code="E039",
            )

    def require_order(self, table: Table) -> None:
        """Raise DataError unless each row is later than the one before."""
        if self.time is None:
            return
        require_column(table.columns, self.time)
        column = table.columns[self.time]
        moments = moments_in(table, self.time)
        wrong = np.flatnonzero(moments[1:] <= moments[:-1])
        if wrong.size:
            at = int(wrong[0]) + 1
            raise DataError(
                f'row {table.row_number(at)}, column "{self.time}" is {column[at]}, which is not '
                f"after the {column[at - 1]} of the row before",
                hint="sort the rows by time; windows are of one series, with one row for each time",
                path=("data", "split", "column"),
                code="E039",
            )

    def require_later(self, sets: Mapping[str, Table]) -> None:
        """Raise DataError unless each data set begins after the end of the one before."""
        if self.time is None:
            return
        for (before, earlier), (name, later) in zip(
            list(sets.items())[:-1], list(sets.items())[1:], strict=True
        ):
            last, first = (moments_in(each, self.time) for each in (earlier, later))
            comparable = last.dtype.kind == first.dtype.kind
            if not comparable or first[0] <= last[-1]:
                ends = earlier.columns[self.time][-1]
                raise DataError(
                    f"the {name} data begins at {later.columns[self.time][0]}, but the "
                    f"{'training' if before == 'train' else before} data ends at {ends}",
                    hint="a forecast is tested on what follows its training data",
                    path=("data", name),
                    code="E039",
                )

    def samples(
        self, rows: Array, known: Array | None, y: Array | Mapping[str, Array]
    ) -> tuple[Array | dict[str, Array], Any]:
        """Return the windows of a table and the target in the rows after them.

        Args:
            rows: (rows, columns), prepared; the past of each window comes from these.
            known: (rows, known columns), prepared; None if there are none.
            y: (rows,), the target; or several by name.

        Returns:
            The past, (n, past, columns), or by name also the future, (n, horizon, known columns);
            and the target, (n, horizon), or (n,) for a horizon of one row; or several by name.
        """
        past, horizon = self.spec.past, self.spec.horizon
        self.require_rows(len(rows), past + horizon, "a window")
        before = _cut(rows[:-horizon], past, self.spec.step)

        def after(y: Array) -> Array:
            cut = _cut(y[past:], horizon, self.spec.step)
            return cut[:, 0] if horizon == 1 else cut

        targets = for_each(after, y)
        if known is None:
            return before, targets
        return {PAST: before, FUTURE: _cut(known[past:], horizon, self.spec.step)}, targets

    def last(self, table: Table) -> tuple[Table, Table | None]:
        """Return the rows that a forecast from the end of a table reads.

        Returns:
            The last `past` rows. If columns are known in advance, the rows of the horizon follow
            them in the table, and are returned second.

        Raises:
            DataError: the table has too few rows, or is not in the order of time.
        """
        self.require_order(table)
        past, known = self.spec.past, bool(self.spec.known)
        future = self.spec.horizon if known else 0
        self.require_rows(len(table), past + future, "a forecast")
        stop = len(table) - future
        after = table.take(np.arange(stop, len(table))) if known else None
        return table.take(np.arange(stop - past, stop)), after


def _cut(rows: Array, size: int, step: int) -> Array:
    """Return windows (n, size, …) of consecutive rows, in memory of their own."""
    windows = np.lib.stride_tricks.sliding_window_view(rows, size, axis=0)[::step]
    return np.ascontiguousarray(np.moveaxis(windows, -1, 1))
