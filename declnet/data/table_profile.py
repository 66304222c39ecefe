"""What there is in a table: of each column its type, gaps and values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import (
    ColumnType,
    column_type,
    distinct_values,
    missing_values,
)
from declnet.components.table import Table


@dataclass(frozen=True)
class ColumnProfile:
    """Facts about a column.

    Attributes:
        name: of the column.
        type: of its values.
        rows: of the table.
        missing: how many of them have nothing here.
        infinite: how many numbers are infinite.
        distinct: different values, those that are missing left out.
        numbers_rows: whether it holds integers each of which is one more than that above.
        whole: whether all numbers are whole ones; true for booleans.
        mean: of finite numbers; 0 for text.
        std: of finite numbers; 0 for text.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    distinct: int
    numbers_rows: bool = False
    whole: bool = False
    infinite: int = 0
    mean: float = 0.0
    std: float = 0.0

    @property
    def there(self) -> int:
        """How many values there are."""
        return self.rows - self.missing


def profile_of(records: Table) -> dict[str, ColumnProfile]:
    """The facts about each column of a table, in order."""
    return {name: _profile(name, column) for name, column in records.columns.items()}


def _profile(name: str, column: Array) -> ColumnProfile:
    gaps = missing_values(column)
    kind, missing = column_type(column), int(np.count_nonzero(gaps))
    distinct = len(distinct_values(column))
    if kind == "text":
        return ColumnProfile(name, kind, len(column), missing, distinct)
    numbers = column[np.isfinite(column)].astype(float)
    return ColumnProfile(
        name,
        kind,
        len(column),
        missing,
        distinct,
        kind == "integer" and len(column) > 1 and bool((np.diff(column) == 1).all()),
        bool((numbers == np.floor(numbers)).all()),
        int(np.count_nonzero(np.isinf(column))),
        float(numbers.mean()) if numbers.size else 0.0,
        float(numbers.std()) if numbers.size else 0.0,
    )
