"""Conversion of Python tables: data frames, mappings of columns and lists of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, plain_array
from declnet.contracts.data.table import Table, unmasked
from declnet.errors import DataError

_NUMBERS = (bool, int, float, np.number, np.bool_)


def as_table(data: Any, target: str | None = None, *, first_row: int = 1) -> Table | Array:
    """Convert tabular data to a `Table` and anything else to an array.

    Args:
        data: a `Table`; a data frame from polars, pandas or another library with columns accessed
            by name; a mapping of columns (n,); a list of mappings, one per row; or an array.
        target: the column to predict, if the table has it.
        first_row: the number of the first row, for messages.

    Raises:
        DataError: a column cannot be part of a table.
    """
    if isinstance(data, Table):
        return data
    if _is_list_of_rows(data):
        names = list(dict.fromkeys(name for row in data for name in row))
        columns = {name: [row.get(name) for row in data] for name in names}
    elif isinstance(data, Mapping):
        columns = dict(data)
    elif _is_frame(data):
        places: dict[str, int] = {}
        for place, name in enumerate(map(str, data.columns), 1):
            if name in places:
                raise DataError(f'columns {places[name]} and {place} are both called "{name}"')
            places[name] = place
        columns = {name: data[name] for name in data.columns}
    else:
        return plain_array(data, "x")
    read = {
        str(name): _unicode(_column(values, str(name), first_row), str(name), first_row)
        for name, values in columns.items()
    }
    lengths = {len(column) for column in read.values()}
    if len(lengths) > 1:
        raise DataError(f"columns have {' and '.join(map(str, sorted(lengths)))} rows")
    return Table(read, target)


def is_table(data: Any) -> bool:
    """Return whether `as_table` converts the data to a table."""
    return isinstance(data, Table | Mapping) or _is_frame(data) or _is_list_of_rows(data)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def _is_list_of_rows(data: Any) -> bool:
    rows = isinstance(data, Sequence) and bool(data)
    return rows and all(isinstance(row, Mapping) for row in data)


def _column(values: Any, name: str, first_row: int) -> Array:
    """Return a column of floats, integers, booleans or text (objects), as in a `Table`.

    Dates and times become ISO 8601 text, durations seconds, decimals floats.
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    elif isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        column = _column(np.asarray(values.data), name, first_row)
        return unmasked(np.ma.MaskedArray(column, mask))
    elif isinstance(values, list | tuple):
        values = np.fromiter(values, object, len(values))  # an item may be a list
    elif not isinstance(values, np.ndarray):
        values = np.array(values, object)
    if values.ndim != 1:
        raise DataError(f'column "{name}" must be (n,), not of shape {values.shape}')
    if values.dtype.kind in "fiub":
        numbers: Array = values
        return numbers
    if values.dtype.kind in "US":
        text: Array = values.astype(str).astype(object)
        return text
    if values.dtype.kind == "M":  # ISO 8601 text sorts chronologically
        dates: Array = np.datetime_as_string(values).astype(object)
        dates[np.isnat(values)] = None
        return dates
    if values.dtype.kind == "m":
        seconds: Array = values / np.timedelta64(1, "s")
        return seconds
    if values.dtype.kind == "O":
        return _of_objects(values, name, first_row)
    raise DataError(
        f'column "{name}" holds {values.dtype}, not numbers, booleans or text',
        hint="turn it into one of these",
    )


def _unicode(column: Array, name: str, first_row: int) -> Array:
    """Return a column unless it or its name has half a surrogate pair, which no file can hold."""
    texts = [text for text in column.tolist() if text is not None] if column.dtype == object else []
    try:
        name.encode()
        "".join(texts).encode()
    except UnicodeEncodeError:
        if not _is_unicode(name):
            raise DataError(f"the name of column {name!r} is not valid Unicode") from None
        position = next(
            at for at, text in enumerate(column) if text is not None and not _is_unicode(text)
        )
        fault = f"is {column[position]!r}, which is not valid Unicode"
        raise DataError.in_cell(first_row + position, name, fault) from None
    return column


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _of_objects(values: Array, name: str, first_row: int) -> Array:
    """Return a column of Python objects, some of them possibly missing (None, NaN, pandas NA)."""
    kinds = set(map(type, values))
    if kinds in ({str}, {str, type(None)}):
        return values.copy()
    if kinds <= {bool, int, float, type(None)}:
        try:
            numbers = np.array(values.tolist(), float if type(None) in kinds else None)
            return numbers.astype(float) if numbers.dtype.kind == "O" else numbers
        except OverflowError:
            raise DataError.in_cell(None, name, "has a number beyond 64-bit floats") from None
    items = [None if _is_missing(value) else _plain(value) for value in values.tolist()]
    there = [item for item in items if item is not None]
    if all(isinstance(item, str) for item in there) and there:
        column: Array = np.empty(len(items), object)
        column[:] = items
        return column
    if not all(isinstance(item, _NUMBERS) for item in there):
        expected = str if isinstance(there[0], str) else _NUMBERS
        position = next(
            at
            for at, item in enumerate(items)
            if item is not None and not isinstance(item, expected)
        )
        fault = f"is {items[position]!r}: a column holds either numbers, or booleans, or text"
        raise DataError.in_cell(first_row + position, name, fault)
    if len(there) < len(items) or not there:
        return np.array([np.nan if item is None else float(item) for item in items])
    return np.array(there)


def _plain(value: Any) -> Any:
    """Return dates and times as ISO 8601 text, durations as seconds, and decimals as floats."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, Decimal) else value


def _is_missing(value: Any) -> bool:
    """Return whether a value is missing: None, not equal to itself, or pandas NA."""
    if value is None:
        return True
    if isinstance(value, np.ndarray):
        return False
    try:
        return bool(value != value)  # noqa: PLR0124  # NaN
    except TypeError:  # pandas.NA is neither equal nor unequal
        return True
