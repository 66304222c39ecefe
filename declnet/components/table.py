"""Table: the rows of a table, as a data source reads them, before they are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import ColumnType, column_type


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
