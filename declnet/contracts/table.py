"""Table: rows by columns, as a data source reads them, and what is known of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from declnet.contracts.arrays import Array

ColumnType = Literal["number", "integer", "boolean", "text"]

_TYPES: dict[str, ColumnType] = {
    "f": "number",
    "i": "integer",
    "u": "integer",
    "b": "boolean",
    "O": "text",
}


def column_type(column: Array) -> ColumnType:
    """Whether a column holds numbers (floats), integers, booleans or text (objects).

    Raises:
        ValueError: it holds anything else.
    """
    if column.dtype.kind not in _TYPES:
        raise ValueError(f"a column cannot hold {column.dtype}")
    return _TYPES[column.dtype.kind]


def missing_values(column: Array) -> Array:
    """Where a column (n, …) has nothing, NaN or None: booleans of the same shape."""
    if column.dtype.kind == "f":
        found: Array = np.isnan(column)
    elif column.dtype.kind == "O":
        found = (column == None).astype(bool)  # noqa: E711  # of each element
    else:
        found = np.zeros(column.shape, bool)
    return found


def distinct_values(column: Array) -> list[Any]:
    """The sorted distinct values of a column (n,), those that are missing left out.

    Returns:
        Python's own strings, integers, booleans or floats.
    """
    there = column[~missing_values(column)]
    if column.dtype.kind == "O":
        return sorted(set(there.tolist()))
    return list(np.unique(there).tolist())


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table, by columns.

    Attributes:
        columns: each (n,): floats (NaN where something is missing), integers, booleans, or text as
            an object array of `str | None` (None where something is missing).
        target: the name of the column that is to be predicted; None if there is none.
        features: the columns that predictions are made from, in order; default: all but the target.
        rows: the number of each row in the table that it comes from, for messages; default: 1 to n.
    """

    columns: Mapping[str, Array]
    target: str | None = None
    features: tuple[str, ...] | None = None
    rows: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The names of the feature columns, in order."""
        if self.features is not None:
            return self.features
        return tuple(name for name in self.columns if name != self.target)

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column."""
        return {name: column_type(column) for name, column in self.columns.items()}

    def row_number(self, position: int) -> int:
        """The number of a row in its table, from 1, by its position, from 0."""
        return position + 1 if self.rows is None else int(self.rows[position])

    def take(self, positions: Array) -> Table:
        """The rows at some positions, which keep their numbers."""
        rows = np.arange(1, len(self) + 1) if self.rows is None else self.rows
        taken = {name: column[positions] for name, column in self.columns.items()}
        return replace(self, columns=taken, rows=rows[positions])


Task = Literal["binary", "classes", "values"]
"""What is to be predicted: one of two classes, one of several, or a number; a loss with the same
`targets` suits."""


@dataclass(frozen=True)
class ColumnProfile:
    """Facts about a column.

    Attributes:
        name: of the column.
        type: of its values.
        rows: of the table.
        missing: how many of them have nothing here.
        distinct: different values, those that are missing left out.
        counts_rows: whether it holds integers, each of them one more than the one above.
        whole: whether all numbers are whole ones; true for booleans, too.
        infinite: how many numbers are infinite.
        mean: of finite numbers; 0 for text.
        std: of finite numbers; 0 for text.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    distinct: int
    counts_rows: bool = False
    whole: bool = False
    infinite: int = 0
    mean: float = 0.0
    std: float = 0.0

    @property
    def present(self) -> int:
        """How many values there are."""
        return self.rows - self.missing


@dataclass(frozen=True)
class TableProfile:
    """Facts about a table, with nothing of how a model treats it.

    Attributes:
        source: the data source that reads it, as `[data.train]` of a spec in the spec's folder has
            it: its type, file, target and what else it needs.
        columns: facts about each column, the target's too, by name and in order; only of rows that
            have a target.
        target: the name of the column that is to be predicted.
        task: what sort of target it is.
        unlabeled: how many rows are left out, since they have no target.
        selects_features: whether the source has a key `features`, the list of the columns to
            predict from.
    """

    source: Mapping[str, Any]
    columns: Mapping[str, ColumnProfile]
    target: str
    task: Task
    unlabeled: int = 0
    selects_features: bool = True

    @property
    def rows(self) -> int:
        """How many rows have a target."""
        return self.columns[self.target].rows

    @property
    def features(self) -> tuple[ColumnProfile, ...]:
        """The columns beside the target, in order."""
        return tuple(each for name, each in self.columns.items() if name != self.target)
