"""Columns of text cells, converted to an inferred type, a declared one, or the training data's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import NoneType
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.data.table import (
    CellFormat,
    ColumnNote,
    ColumnType,
    Table,
    UnreadableCell,
    class_name,
    column_type,
    missing_values,
)
from declnet.data.cells import (
    Cells,
    are_consistent,
    are_unicode,
    described_units,
    objects_of,
    read_formatted,
    text_of,
    trimmed,
)
from declnet.data.usable_rows import UsableRows
from declnet.errors import DataError

_NOUNS = {
    "integer": "integer",
    "number": "number",
    "comma_number": "number with a decimal comma",
    "boolean": "boolean",
}

MOST_ODD = 3
"""Maximum number of distinct texts in a column of numbers that may have been meant as missing
values."""

MOST_SPELLINGS = 1000
"""Values of a column whose spellings are kept, at most."""

SAMPLED = 100
"""Cells that show whether a column might be one of numbers."""


def odd_cells(cells: Sequence[str | None], decimal: str) -> list[str]:
    """Return the different texts in a column of numbers, if they are few; none in one of text.

    At least half of the cells are numbers, with five times as many different ones as texts: codes
    such as 1, 2 and A are a column of text.
    """
    sample = [text for text in cells[:SAMPLED] if text is not None]
    if 2 * sum(_is_number(text, decimal) for text in sample) < len(sample):
        return []
    counts = Counter(text for text in cells if text is not None)
    odd: list[str] = []
    for value in counts:
        if not _is_number(value, decimal):
            odd.append(value)
            if len(odd) > MOST_ODD:
                return []
    others = len(counts) - len(odd)
    rows = sum(counts[text] for text in odd)
    return [] if 2 * rows > counts.total() or others < 5 * len(odd) else odd


def _is_number(text: str, decimal: str) -> bool:
    try:
        float(text)
    except ValueError:
        return read_formatted([text], decimal) is not None
    return True


class TypedColumn:
    """The type of a column of text cells, which arrive in parts.

    Args:
        name: the column's name.
        declared: the type that every cell must have, a key of `types`; None to infer it.
        settled: its type in the training data: a column that is not text there must be numeric.
        units: the units of the numbers so far, which it adds to; default: none yet.
        spelled: whether `spellings` is asked for.

    Attributes:
        type: the type so far; None if all cells were missing.
        lost: how many of the first parts were not read as text before the column turned out to be
            text, so that they must be read again.
        is_inferred: whether the type is that of the cells, and neither declared nor settled.
    """

    def __init__(
        self,
        name: str,
        declared: str | None = None,
        settled: str | None = None,
        units: set[str] | None = None,
        spelled: bool = False,
    ) -> None:
        self._texts: set[str] | None = set() if spelled else None
        self._decimal, self._has_gaps = ".", False
        self.name, self._declared, self._settled = name, declared, settled
        expected = None if settled == "boolean" else settled  # numbers may represent booleans
        self.type: str | None = "number" if declared == "comma_number" else declared or expected
        self.is_inferred = declared is None and settled is None
        self.lost = self._parts = 0
        self._padded: str | None = None
        self._odd: tuple[int, str] | None = None
        self._units = set() if units is None else units
        self._formatted = False

    @property
    def numeric(self) -> tuple[str, ...]:
        """The types, "integer" and "number", in which the next cells may be read directly."""
        if self._declared == "comma_number" or self._formatted or self._texts is not None:
            return ()
        if self.type is None and self.is_inferred:
            return ("integer", "number")
        return (self.type,) if self.type in ("integer", "number") else ()

    def add(self, cells: Cells, rows: Sequence[int]) -> Array:
        """Return the next cells in the type so far, which is widened if they do not fit.

        Args:
            cells: the next cells.
            rows: the number of the row of each cell, for messages.

        Raises:
            DataError: a cell does not have the type that is declared or was inferred in training.
        """
        self._parts += 1
        if self._texts is not None:
            self._texts |= cells.distinct()
            self._decimal = cells.decimal
            if len(self._texts) > MOST_SPELLINGS:
                self._texts = None
        before, part = self.type, self._read(cells, rows)
        if self.is_inferred and self.type == "text" != before:
            with suppress(LookupError):  # raised if all are numbers, but e.g. in several units
                position, text = cells.first_mismatch("number")
                self._odd = rows[position], text
        self._has_gaps |= part.dtype.kind == "f"
        return part

    def _read(self, cells: Cells, rows: Sequence[int]) -> Array:
        if self._declared is not None:
            part = cells.read(self._declared)
            if part is None:
                raise self._wrong(cells, self._declared, rows)
            return part
        if self.type == "text":
            return cells.text()
        if self.type is None:
            self.type = self._first_type(cells)
        if self.type is None:
            return np.full(len(cells), np.nan)
        part = cells.read_plain(self.type)
        if part is None and self.type == "integer":
            self.type = "number"
            part = cells.numbers()
        units = {""}
        if part is None and self.type == "number" and (formatted := cells.formatted()):
            part, units = formatted[0], set(formatted[1])
            self._formatted = True
        return (
            self._inferred(part, units, cells)
            if self.is_inferred
            else self._required(part, units, cells, rows)
        )

    def _inferred(self, part: Array | None, units: set[str], cells: Cells) -> Array:
        """Return the cells as numbers or booleans if they are, else as text."""
        if self.type in ("integer", "number"):
            self._padded = cells.padded()
            self._units |= units
        if part is not None and self._padded is None and are_consistent(self._units):
            return part
        self.type, self.lost = "text", self._parts - 1
        return cells.text()

    def _required(
        self, part: Array | None, units: set[str], cells: Cells, rows: Sequence[int]
    ) -> Array:
        """Return the cells as numbers or booleans; raise DataError if they are not."""
        if part is None:  # a column of numbers may be one of booleans with missing values
            part = cells.read("boolean")
        if part is None:
            raise self._wrong(cells, "boolean", rows)
        if not units <= self._units and not cells.are_missing():
            self._require_one_unit(cells, units, rows)
        return part

    def final(self, part: Array) -> Array:
        """Return what `add` returned, unless it is lost, in the type of all cells."""
        if self.type == "text" and part.dtype.kind != "O":
            return np.full(len(part), None)
        return part.astype(float) if self.type == "number" and part.dtype.kind == "i" else part

    def spellings(self) -> dict[Any, str]:
        """Return how each value is written, if any of them is not written as its name.

        A value that is written in several ways has its name. Empty for text, and for columns of
        many values.
        """
        if not self._texts or self.type in (None, "text"):
            return {}
        texts = sorted(self._texts)
        cells = Cells(texts, (), self._decimal)
        are_booleans = self.type == "boolean" and not self._has_gaps
        values = cells.booleans() if are_booleans else cells.read(self._declared or self.type or "")
        text_of_value: dict[Any, str] = {}
        for value, text in zip([] if values is None else values.tolist(), texts, strict=True):
            text_of_value[value] = class_name(value) if value in text_of_value else text
        return (
            text_of_value
            if any(text != class_name(value) for value, text in text_of_value.items())
            else {}
        )

    def note(self, array: Array, decimal: str, row_of: Callable[[int], int]) -> ColumnNote | None:
        """Return how cells were read if another reading is conceivable.

        Args:
            array: all cells or a sample, as text if the column turned out to be text.
            decimal: the decimal sign of the file.
            row_of: returns the number of the row at a position in the array.
        """
        if not self.is_inferred:
            return None
        if self.type == "text":
            return self._note_on_text(array, decimal, row_of)
        if self.type == "boolean" and self._has_gaps:
            return ColumnNote(
                "is read as text, because it holds true and false, and missing values", "text"
            )
        if not self._formatted:
            return None
        return ColumnNote(f"is read as numbers, {described_units(sorted(self._units))}", "number")

    def _note_on_text(
        self, array: Array, decimal: str, row_of: Callable[[int], int]
    ) -> ColumnNote | None:
        cells = array.tolist()
        if self._odd is not None and self._odd[1] not in cells:  # a sample may lack it
            cells.append(self._odd[1])
        odd = [] if self._padded is not None else odd_cells(cells, decimal)
        if odd:
            number, text = self._odd or (0, None)
            row = number if text == odd[0] else row_of(cells.index(odd[0]))
            return ColumnNote(
                f'is read as text, because row {row} is "{odd[0]}"; if that '
                "means a missing value, list it in missing"
            )
        first = next((text for text in array if text is not None), "")
        if read_formatted([first], ",") is None and self._padded is None:
            return None
        present = Cells([text for text in cells if text is not None], frozenset(), decimal)
        if self._padded is not None and present.numbers() is not None:
            return ColumnNote(f'is read as text, because "{self._padded}" has a leading zero')
        if decimal != "," and present.is_unmistakable(","):
            return ColumnNote("looks like numbers with decimal commas", "comma_number")
        return None

    def _first_type(self, cells: Cells) -> str | None:
        if cells.are_missing():
            return None
        kinds = ("integer", "number", "boolean")
        for kind in kinds[1:] if self._settled == "number" else kinds:
            if cells.read_plain(kind) is not None:
                return kind
        return "number" if self._settled is not None or cells.formatted() else "text"

    def _require_one_unit(self, cells: Cells, units: set[str], rows: Sequence[int]) -> None:
        """Raise DataError at the first cell whose unit differs from those before it."""
        if are_consistent(self._units | units):
            self._units |= units
            return
        for position, value, unit in cells.with_units():
            if not are_consistent(self._units | {unit}):
                fault = f': "{value}" has another unit than the numbers before it'
                hint = "write all numbers of a column in one unit"
                raise DataError.in_cell(rows[position], self.name, fault, hint=hint, code="E035")
            self._units.add(unit)

    def _wrong(self, cells: Cells, kind: str, rows: Sequence[int]) -> DataError:
        position, value = cells.first_mismatch(kind)
        shown = value if len(value) <= 40 else f"{value[:39]}…"
        noun = _NOUNS["number" if self._settled in ("number", "integer") else kind]
        return DataError.in_cell(
            rows[position],
            self.name,
            f': "{shown}" is not a {noun}',
            hint="if it means a missing value, list it in missing",
            code="E031" if self._settled is None else "E035",
        )


def as_type(
    name: str,
    column: Array,
    expected: ColumnType,
    cells: CellFormat,
    rows: Sequence[int],
    units: set[str] | None = None,
) -> Array:
    """Return a column in the type of the training data.

    Numbers and booleans become text as a text file would have them, and text is read as in a text
    file. Where the training data has numbers, integers become floats and booleans 1 and 0.

    Args:
        name: the column's name, for messages.
        column: (n,): numbers, booleans, or objects, each text, a number, a boolean or None.
        expected: the type of the training data.
        cells: how text is written.
        rows: the number of the row of each cell, for messages.
        units: the units of the numbers in earlier parts of the column, to which this part's are
            added; default: there are none.

    Raises:
        DataError: a cell does not have the type.
    """
    is_text = column_type(column) == "text"
    if expected == "text":
        return trimmed(column if is_text else column.astype(object), cells)
    if is_text:
        has_commas = name in cells.comma_columns
        decimal = "," if has_commas else cells.decimal
        texts = [text_of(value, decimal) or "" for value in column.tolist()]
        declared = "comma_number" if has_commas else None
        typed = TypedColumn(name, declared, expected, units=units)
        column = typed.add(Cells(texts, {*cells.missing, ""}, decimal), rows)
    if expected == "boolean" and column.dtype.kind != "b":
        wrong = np.flatnonzero(~missing_values(column) & (column != 0) & (column != 1))
        if wrong.size:
            position = int(wrong[0])
            raise DataError.in_cell(
                rows[position],
                name,
                f"is {column[position]:g}, but the training data has booleans",
                hint="give true or false, or 1 or 0",
                code="E035",
            )
    return column.astype(float) if expected == "number" else column


def plain_columns(
    columns: Mapping[str, Any], types: Mapping[str, ColumnType], cells: CellFormat
) -> dict[str, Array]:
    """Return columns without special cells, read-only; all columns of a type are read together.

    They are as `as_type` returns them. If a cell of a type is special, such as a number with a unit
    or a missing integer, the columns of this type are left out, and so are those that are not
    lists.

    Args:
        columns: the columns (n,) by name.
        types: the types of columns in the training data.
        cells: how text is written.
    """
    names: dict[ColumnType, list[str]] = {}
    for name, values in columns.items():
        kind = types.get(name)
        if kind is not None and type(values) is list and name not in cells.comma_columns:
            names.setdefault(kind, []).append(name)
    plain: dict[str, Array] = {}
    for kind, of_kind in names.items():
        values = _plain_values([columns[name] for name in of_kind], kind, cells)
        if values is not None:
            plain |= zip(of_kind, values, strict=True)
    return plain


def _plain_values(columns: Sequence[list[Any]], kind: ColumnType, form: CellFormat) -> Array | None:
    """Return columns of a type, (columns, n); None if any cell is special."""
    if kind == "boolean" or len({*map(len, columns)}) > 1:
        return None
    values = [value for column in columns for value in column]
    classes = {*map(type, values)}
    array: Array | None = None
    if kind == "text":
        if classes <= {str, NoneType} and are_unicode(values):
            array = trimmed(objects_of(values), form)
    elif classes <= {str, NoneType}:
        texts = [text or "" for text in values] if NoneType in classes else values
        array = Cells(texts, {*form.missing, ""}, form.decimal).read_plain(kind)
    elif classes <= {int, float, NoneType}:
        try:
            array = np.array(values, float if kind == "number" else None)
        except OverflowError:
            return None
    if array is None or array.dtype != _DTYPES[kind]:
        return None
    return read_only(array.reshape(len(columns), -1))


_DTYPES = {"number": np.dtype(float), "integer": np.dtype(np.int64), "text": np.dtype(object)}


def without_unreadable(column: Array) -> Array:
    """Return a column of text with None for each `UnreadableCell`."""
    cells = [None if isinstance(cell, UnreadableCell) else cell for cell in column.tolist()]
    return np.array(cells, object)


def readable_cells(table: Table, types: Mapping[str, ColumnType], cells: CellFormat) -> UsableRows:
    """Return the rows of a table whose cells can all be read, in the types of the training data.

    Args:
        table: its columns may be text where the training data has another type, and have an
            `UnreadableCell`.
        types: the types of columns in the training data; other columns remain as they are.
        cells: how text is written.
    """
    units: dict[str, set[str]] = {name: set() for name in types}

    def read(name: str, column: Array, numbers: Sequence[int]) -> Array:
        if name not in types:
            return column
        for cell in column if column.dtype.kind == "O" else ():
            if isinstance(cell, UnreadableCell):
                raise cell.error.replaced()
        return as_type(name, column, types[name], cells, numbers, units[name])

    return UsableRows.read(table, read)
