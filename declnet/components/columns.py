"""One column of a table: of which type it is, and what is missing of it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from declnet.components.arrays import Array

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
