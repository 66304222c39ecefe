"""Fits and applies a transform to one column of a table; faults are told with their places."""

from __future__ import annotations

from declnet.components.arrays import Array
from declnet.components.returned import checked_column, checked_fit
from declnet.components.table import Table
from declnet.components.transform import ColumnError, Transform, TransformState
from declnet.errors import DataError


def fitted_to_column(
    transform: Transform, column: Array, name: str, records: Table, number: int
) -> TransformState:
    """What a transform learns of a column; raises DataError, with the place, if it cannot."""
    try:
        return checked_fit(transform, transform.fit(column))
    except ColumnError as error:
        raise _located(error, transform, name, records, number) from None


def applied_to_column(
    transform: Transform,
    column: Array,
    state: TransformState,
    name: str,
    records: Table,
    number: int,
) -> Array:
    """A changed column; raises DataError, with row and column, if a row cannot be transformed."""
    try:
        return checked_column(transform, transform.apply(column, state), len(column))
    except ColumnError as error:
        raise _located(error, transform, name, records, number) from None


def _located(
    error: ColumnError, transform: Transform, name: str, records: Table, number: int
) -> DataError:
    row = "" if error.row is None else f"row {records.row_number(error.row)}, "
    return DataError(
        f'{row}column "{name}" {error.message} ({transform.type})',
        hint=error.hint,
        path=("data", "prepare", number),
        code="E035",
    )
