"""Conversion of Python tables: data frames, mappings of columns and lists of records."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, plain_array, read_only
from declnet.contracts.data.table import (
    CellFormat,
    ColumnType,
    Table,
    UnreadableCell,
    missing_values,
    unmasked,
)
from declnet.data.cells import are_unicode, distinct_if_few, trimmed
from declnet.data.typed_columns import as_type, plain_columns
from declnet.data.usable_rows import UsableRows
from declnet.errors import DataError

_NUMBERS = (bool, int, float, np.number, np.bool_)
_CELLS = (str, *_NUMBERS)


def as_table(
    data: Any,
    target: str | None = None,
    *,
    first_row: int = 1,
    cells: CellFormat | None = None,
    types: Mapping[str, ColumnType] | None = None,
    marks_unreadable: bool = False,
) -> Table | Array:
    """Convert tabular data to a `Table` and anything else to an array.

    Text loses the spaces around it, and texts that mean a missing value become None. The columns of
    a new table can only be read.

    Args:
        data: a `Table`; a data frame from polars, pandas or another library with columns accessed
            by name; a mapping of columns (n,); a list of mappings, one per row; or an array.
        target: the column to predict, if the table has it.
        first_row: the number of the first row, for messages.
        cells: how text is written; default: as in a `Table`.
        types: types of columns in the training data, which columns of this data then have, too.
        marks_unreadable: whether an invalid cell in a column of text, such as a list, becomes an
            `UnreadableCell`, as after `DataSource.with_unreadable_cells`.

    Raises:
        DataError: a column cannot be part of a table, or a cell is not of its column's type.
    """
    if isinstance(data, Table):
        return data
    cells, types = cells or CellFormat(), types or {}
    columns = columns_of(data)
    if columns is None:
        return plain_array(data, "x")

    def read(name: str, column: Array, numbers: Sequence[int]) -> Array:
        return _cells(column, name, numbers, cells, types.get(name))

    arrays, plain = {}, plain_columns(columns, types, cells)
    for name, values in columns.items():
        if name in plain:
            arrays[name] = plain[name]
            continue
        column = _array(values, name)
        numbers = range(first_row, first_row + len(column))
        if marks_unreadable and types.get(name) == "text":
            rows = UsableRows.read(Table({name: column}, rows=np.array(numbers)), read)
            arrays[name] = rows.scattered(rows.table.columns[name])
            for position, error in rows.errors.items():
                arrays[name][position] = UnreadableCell(error)
        else:
            arrays[name] = read_only(read(name, column, numbers))
    _require_rows(arrays)
    return Table(arrays, target, cells=cells, trimmed=True)


def readable_rows(data: Any, cells: CellFormat, types: Mapping[str, ColumnType]) -> UsableRows:
    """Return the rows of tabular data whose cells can all be read.

    Args:
        data: as for `as_table`, except a `Table`.
        cells: how text is written.
        types: the types of columns in the training data.

    Raises:
        DataError: a column cannot be part of a table.
    """
    columns = columns_of(data) or {}
    arrays = {name: _array(values, name) for name, values in columns.items()}
    _require_rows(arrays)
    units: dict[str, set[str]] = {name: set() for name in arrays}
    return UsableRows.read(
        Table(arrays, cells=cells),
        lambda name, column, numbers: _cells(
            column, name, numbers, cells, types.get(name), units[name]
        ),
    )


def columns_of(data: Any) -> Mapping[str, Any] | None:
    """Return the columns of tabular data by name; None for anything else."""
    if isinstance(data, Table):
        return data.columns
    if _is_list_of_rows(data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return {str(name): [row.get(name) for row in data] for name in names}
    if isinstance(data, Mapping):
        return {str(name): values for name, values in data.items()}
    if not _is_frame(data):
        return None
    places: dict[str, int] = {}
    for place, name in enumerate(map(str, data.columns), 1):
        if name in places:
            raise DataError(f'columns {places[name]} and {place} are both called "{name}"')
        places[name] = place
    return {str(name): data[name] for name in data.columns}


def _require_rows(columns: Mapping[str, Array]) -> None:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise DataError(f"columns have {' and '.join(map(str, sorted(lengths)))} rows")


def is_table(data: Any) -> bool:
    """Return whether `as_table` converts the data to a table."""
    return isinstance(data, Table | Mapping) or _is_frame(data) or _is_list_of_rows(data)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def _is_list_of_rows(data: Any) -> bool:
    rows = isinstance(data, Sequence) and bool(data)
    return rows and all(isinstance(row, Mapping) for row in data)


def _cells(
    values: Array,
    name: str,
    numbers: Sequence[int],
    cells: CellFormat,
    expected: ColumnType | None,
    units: set[str] | None = None,
) -> Array:
    """Return a column as in a `Table`; without any value, it is one of numbers."""
    column = _unicode(_column(values, name, numbers, expected), name, numbers)
    if expected is not None:
        return as_type(name, column, expected, cells, numbers, units)
    if column.dtype.kind != "O":
        return column
    column = trimmed(column, cells)
    return np.full(len(column), np.nan) if missing_values(column).all() else column


def _array(values: Any, name: str) -> Array:
    """Return the values of a column (n,) as they are."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    elif isinstance(values, list | tuple):
        values = np.fromiter(values, object, len(values))  # an item may be a list
    elif not isinstance(values, np.ndarray):
        values = np.array(values, object)
    if values.ndim != 1:
        raise DataError(f'column "{name}" must be (n,), not of shape {values.shape}')
    array: Array = values
    return array


def _column(values: Array, name: str, numbers: Sequence[int], expected: ColumnType | None) -> Array:
    """Return a column of floats, integers, booleans or text (objects).

    Dates and times become ISO 8601 text, durations seconds, decimals floats. A column whose type is
    known may also have values of several types, as objects.
    """
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        column = _column(np.asarray(values.data), name, numbers, expected)
        return unmasked(np.ma.MaskedArray(column, mask))
    if values.dtype.kind in "fiub":
        return values
    if values.dtype.kind in "US":
        text: Array = values.astype(str).astype(object)
        return text
    if values.dtype.kind == "M":
        return _iso_8601(values)
    if values.dtype.kind == "m":
        seconds: Array = values / np.timedelta64(1, "s")
        return seconds
    if values.dtype.kind == "O":
        return _of_objects(values, name, numbers, expected)
    raise DataError(
        f'column "{name}" holds {values.dtype}, not numbers, booleans or text',
        hint="turn it into one of these",
    )


def _iso_8601(times: Array) -> Array:
    """Return dates or times as `datetime.isoformat` writes them, to the microsecond."""
    if np.datetime_data(times.dtype)[0] in ("Y", "M", "W", "D"):
        texts: Array = np.datetime_as_string(times).astype(object)
    else:
        moments = times.astype("datetime64[us]")
        seconds = moments.astype("datetime64[s]")
        texts = np.datetime_as_string(seconds).astype(object)
        fractional = moments != seconds
        texts[fractional] = np.datetime_as_string(moments[fractional])
    texts[np.isnat(times)] = None
    return texts


def _unicode(column: Array, name: str, numbers: Sequence[int]) -> Array:
    """Return a column unless it or its name has half a surrogate pair, which no file can hold."""
    cells = distinct_if_few(column.tolist()) if column.dtype == object else ()
    if not are_unicode([name]):
        raise DataError(f"the name of column {name!r} is not valid Unicode")
    if not are_unicode(text for text in cells if isinstance(text, str)):
        position = next(
            at
            for at, text in enumerate(column)
            if isinstance(text, str) and not are_unicode([text])
        )
        fault = f"is {column[position]!r}, which is not valid Unicode"
        raise DataError.in_cell(numbers[position], name, fault)
    return column


def _of_objects(
    values: Array, name: str, numbers: Sequence[int], expected: ColumnType | None
) -> Array:
    """Return a column of Python objects, some of them possibly missing (None, NaN, pandas NA)."""
    kinds = set(map(type, values))
    if kinds in ({str}, {str, type(None)}):
        return values.copy()
    plain: tuple[set[type], ...] = {int, float, type(None)}, {bool, type(None)}
    if expected is None:
        plain = ({bool, int, float, type(None)},)
    if expected != "text" and any(kinds <= types for types in plain):
        try:
            plain_values = np.array(values.tolist(), float if type(None) in kinds else None)
            is_plain = plain_values.dtype.kind != "O"
            return plain_values if is_plain else plain_values.astype(float)
        except OverflowError:
            position = next(at for at, value in enumerate(values) if _is_too_large(value))
            fault = "is a number beyond 64-bit floats"
            raise DataError.in_cell(numbers[position], name, fault) from None
    items = [None if _is_missing(value) else _plain(value) for value in values.tolist()]
    there = [item for item in items if item is not None]
    fitting: Any = _CELLS if expected is not None else str
    if all(isinstance(item, fitting) for item in there) and there:
        column: Array = np.empty(len(items), object)
        column[:] = items
        return column
    if not all(isinstance(item, _NUMBERS) for item in there):
        if expected is None and not isinstance(there[0], str):
            fitting = _NUMBERS
        position = next(
            at
            for at, item in enumerate(items)
            if item is not None and not isinstance(item, fitting)
        )
        rule = "a column holds either numbers, or booleans, or text"
        if expected is not None:
            rule = "a cell holds a number, a boolean or text"
        value = reprlib.repr(items[position])
        raise DataError.in_cell(numbers[position], name, f"is {value}: {rule}")
    if len(there) < len(items) or not there:
        return np.array([np.nan if item is None else float(item) for item in items])
    return np.array(there)


def _is_too_large(value: Any) -> bool:
    try:
        float(value or 0)
    except OverflowError:
        return True
    return False


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
