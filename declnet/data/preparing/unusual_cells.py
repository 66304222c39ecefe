"""Cells of new data that are unlike the training data: missing, unseen or outside of its range."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import ColumnType, distinct_values, missing_values

if TYPE_CHECKING:
    from declnet.data.preparing.preparation import FittedPreparation

Observe = Callable[[Mapping[str, Array]], object]
"""Receives the columns of a table before their preparation, in the types of the training data."""

MOST_CATEGORIES = 10_000
"""Categories of a column that are remembered; of a column with more, none is unseen."""


@dataclass(frozen=True)
class TrainingCells:
    """What is known of the cells of a column in the training data.

    Attributes:
        count: the number of cells with a value.
        missing: the number of missing cells.
        low: the smallest finite number; None for a column of text or booleans.
        high: the largest finite number.
        categories: the sorted distinct values, if a transform tells values of the column apart and
            they are not too many; else None.
    """

    count: int
    missing: int
    low: float | None = None
    high: float | None = None
    categories: tuple[str | int | float, ...] | None = None

    @classmethod
    def of_column(cls, column: Array, *, categorical: bool = False) -> TrainingCells:
        """Return what is known of a column (n,).

        Args:
            categorical: whether to remember its categories.
        """
        missing = int(missing_values(column).sum())
        categories = _few(distinct_values(column)) if categorical else None
        count, low, high = len(column) - missing, None, None
        if column.dtype.kind in "fiu":
            finite = column[np.isfinite(column)]
            low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
        return cls(count, missing, low, high, categories)

    def joined(self, other: TrainingCells) -> TrainingCells:
        """Return what is known of these cells and others together."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        categories = None
        if self.categories is not None and other.categories is not None:
            categories = _few({*self.categories, *other.categories})
        return TrainingCells(
            self.count + other.count,
            self.missing + other.missing,
            min(lows, default=None),
            max(highs, default=None),
            categories,
        )

    @property
    def expected_outside(self) -> float:
        """The share of new rows outside of the range if they are distributed alike."""
        return 2 / (self.count + 1)

    @property
    def expected_missing(self) -> float:
        """The share of missing cells."""
        return self.missing / max(1, self.count + self.missing)


def _few(values: Collection[Any]) -> tuple[Any, ...] | None:
    return tuple(sorted(values)) if len(values) <= MOST_CATEGORIES else None


@dataclass(frozen=True)
class UnusualCells:
    """How many cells of a column are unlike the training data.

    Attributes:
        missing: cells without a value.
        unseen: categories that no row of the training data has.
        outside: numbers below or above all numbers of the training data.
    """

    missing: int = 0
    unseen: int = 0
    outside: int = 0

    def __add__(self, other: UnusualCells) -> UnusualCells:
        return UnusualCells(
            self.missing + other.missing,
            self.unseen + other.unseen,
            self.outside + other.outside,
        )

    @staticmethod
    def accumulate(
        counts: dict[str, UnusualCells], by_column: Iterable[tuple[str, UnusualCells]]
    ) -> None:
        """Add numbers of cells to the counts of their columns.

        Args:
            counts: the counts so far, by column; it gets the columns that it lacks.
            by_column: columns, each any number of times, with further cells.
        """
        for column, cells in by_column:
            counts[column] = counts.get(column, UnusualCells()) + cells


@dataclass(frozen=True, eq=False)
class CellWatch:
    """Counts cells that are unlike the training data; thread-safe.

    Attributes:
        types: the columns that it counts, with their types.
        training: what is known of them in the training data; other columns have only missing cells.
    """

    types: Mapping[str, ColumnType]
    training: Mapping[str, TrainingCells]

    @cached_property
    def _numbers(self) -> tuple[tuple[str, ...], Array, Array]:
        """The columns of numbers, and the ends of their ranges, (columns, 1) each."""
        names = tuple(name for name, kind in self.types.items() if kind in ("number", "integer"))
        cells = [self.training.get(name, TrainingCells(0, 0)) for name in names]
        low = np.array([-np.inf if one.low is None else one.low for one in cells])
        high = np.array([np.inf if one.high is None else one.high for one in cells])
        return names, low[:, None], high[:, None]

    @cached_property
    def _others(self) -> tuple[str, ...]:
        numbers, *_ = self._numbers
        return tuple(name for name in self.types if name not in numbers)

    @cached_property
    def _categories(self) -> Mapping[str, frozenset[Any]]:
        return {
            name: frozenset({*cells.categories, None})
            for name, cells in self.training.items()
            if cells.categories
        }

    def count(self, columns: Mapping[str, Array], counts: dict[str, UnusualCells]) -> None:
        """Add the unusual cells of a table to the counts of its columns.

        Args:
            columns: columns (n,) in the types of the training data.
            counts: the counts so far; it gets the columns that have such cells.
        """
        parts = (self._outlying(columns), self._missing(columns), self._unseen(columns))
        UnusualCells.accumulate(counts, chain(*parts))

    def _outlying(self, columns: Mapping[str, Array]) -> Iterator[tuple[str, UnusualCells]]:
        """Yield the missing numbers and those outside; all columns are compared together."""
        names, low, high = self._numbers
        if not all(name in columns for name in names):  # a window's columns that are known ahead
            at = [position for position, name in enumerate(names) if name in columns]
            names, low, high = tuple(names[position] for position in at), low[at], high[at]
        if not names:
            return
        cells = np.array([columns[name] for name in names], float)
        usual = (cells >= low) & (cells <= high)
        if usual.all():
            return
        missing = np.isnan(cells).sum(axis=1)
        outside = (~usual).sum(axis=1) - missing
        for at_column in np.flatnonzero(missing + outside).tolist():
            unusual = UnusualCells(int(missing[at_column]), 0, int(outside[at_column]))
            yield names[at_column], unusual

    def _missing(self, columns: Mapping[str, Array]) -> Iterator[tuple[str, UnusualCells]]:
        """Yield the missing cells of columns that are not numbers."""
        for name in self._others:
            if name not in columns:
                continue
            column = columns[name]
            is_text = column.dtype.kind == "O"
            missing = column.tolist().count(None) if is_text else int(missing_values(column).sum())
            if missing:
                yield name, UnusualCells(missing)

    def _unseen(self, columns: Mapping[str, Array]) -> Iterator[tuple[str, UnusualCells]]:
        for name, known in self._categories.items():
            if name not in columns:
                continue
            column = columns[name]
            if column.dtype.kind == "f":
                column = column[~np.isnan(column)]
            cells = column.tolist()
            if not known.issuperset(cells):
                yield name, UnusualCells(unseen=sum(cell not in known for cell in cells))


def watches_of(preparations: Sequence[FittedPreparation]) -> tuple[CellWatch | None, ...]:
    """Return a watch for each of the preparations that the same cells go through.

    A column is counted by the first that has it. Its cells are unusual if the training data of none
    has such cells. Of the past of a target, only missing cells are unusual: a series may grow. None
    for a preparation that has no columns to count.
    """
    watches: list[CellWatch | None] = []
    counted: set[str] = set()
    for preparation in preparations:
        types = preparation.types or {}
        left = {name: kind for name, kind in types.items() if name not in counted}
        training = {}
        for name in left:
            cells = [one.training[name] for one in preparations if name in one.training]
            if cells:
                known = reduce(TrainingCells.joined, cells)
                is_past = name in preparation.target_columns
                training[name] = TrainingCells(known.count, known.missing) if is_past else known
        watches.append(CellWatch(left, training) if left else None)
        counted |= left.keys()
    return tuple(watches)
