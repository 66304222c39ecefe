"""Joins the prepared columns of a table to one array."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import missing_values
from declnet.components.table import Table
from declnet.data.remedies import encoding_hint, filling_hint
from declnet.errors import DataError


def joined(columns: Mapping[str, Array], records: Table) -> Array:
    """The columns, each (n,) or (n, k), side by side: x (n, d); integers if all of them are.

    Args:
        columns: prepared, in order.
        records: where they come from, for messages.

    Raises:
        DataError: a column is still text, or something in it is missing or infinite.
    """
    for name, column in columns.items():
        _require_numbers(name, column, records)
    parts = [column.reshape(len(column), -1) for column in columns.values()]
    whole = all(part.dtype.kind in "iub" for part in parts)
    x = np.empty((len(records), sum(part.shape[1] for part in parts)), int if whole else float)
    start = 0
    for part in parts:
        x[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return x


def _require_numbers(name: str, column: Array, records: Table) -> None:
    gap = _first(missing_values(column))
    if column.dtype.kind == "O":
        text = _first(~missing_values(column))
        if text is not None:
            where = f"row {records.row_number(text)}, column"
            message = f'{where} "{name}" is the text "{column[text]}"'
            raise _unprepared(message, encoding_hint())
    if gap is not None:
        where = f"row {records.row_number(gap)}, column"
        raise _unprepared(f'{where} "{name}" is missing', filling_hint(column))
    if column.dtype.kind == "f":
        wild = _first(~np.isfinite(column))
        if wild is not None:
            where = f"row {records.row_number(wild)}, column"
            raise _unprepared(
                f'{where} "{name}" is infinite',
                'correct it, or count it as missing: missing = ["inf"] in the data source',
            )


def _unprepared(message: str, hint: str) -> DataError:
    return DataError(message, hint=hint, path=("data", "prepare"), code="E035")


def _first(found: Array) -> int | None:
    """The position of the first row of which any number is found, or None."""
    rows = found.reshape(len(found), -1).any(axis=1) if found.ndim > 1 else found
    return int(np.argmax(rows)) if rows.any() else None
