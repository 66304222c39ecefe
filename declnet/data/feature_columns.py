"""The feature columns of a table: of which types they were in training, and so in all data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import ColumnType, column_type, missing_values
from declnet.components.table import Table
from declnet.errors import DataError
from declnet.registry.spelling import suggestion


def features_of(records: Table, without: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the feature columns.

    Args:
        records: the training data.
        without: columns that serve another purpose, e.g. as weights.

    Raises:
        DataError: there is none, or one of them does not exist.
    """
    left_out = set(without)
    names = tuple(name for name in records.feature_columns if name not in left_out)
    for name in names:
        require_column(records.columns, name)
    if not names:
        raise DataError("the table has no feature columns, only the target", code="E034")
    return names


def require_column(columns: Iterable[str], name: str, **where: Any) -> None:
    """Raises DataError, with what may have been meant, if there is no column of that name."""
    if name not in set(columns):
        known = [each for each in columns if "\n" not in each][:20]
        hint = suggestion(name, known, "columns")
        raise DataError(f'there is no column "{name}"', hint=hint, code="E034", **where)


def typed(records: Table, types: Mapping[str, ColumnType]) -> dict[str, Array]:
    """The feature columns in order, as the training data had them.

    Args:
        records: any data; columns beside the features are left out.
        types: of the training data's features, in order.

    Raises:
        DataError: a column is missing, or of another type.
    """
    columns = {}
    for name, expected in types.items():
        require_column(records.columns, name)
        columns[name] = _as_type(name, records, expected)
    return columns


def _as_type(name: str, records: Table, expected: ColumnType) -> Array:
    column = records.columns[name]
    found = column_type(column)
    there = ~missing_values(column)
    if (found == "text") != (expected == "text"):
        if there.any():
            position = int(np.argmax(there))
            where = f'row {records.row_number(position)}, column "{name}"'
            kinds = {"text": "text"}
            wanted, got = kinds.get(expected, "a number"), kinds.get(found, "a number")
            raise DataError(
                f"{where} is {got}, {column[position]!r}, but {wanted} in the training data",
                hint=f'say so in the data source: types = {{ "{name}" = "…" }}',
                code="E035",
            )
        empty: Array = np.full(len(column), None if expected == "text" else np.nan)
        return empty
    return column.astype(float) if expected == "number" else column
