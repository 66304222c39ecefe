"""Reading of a table part by part, as columns of one type each, all of it or rows at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np

from declnet.contracts.annotations import shown
from declnet.contracts.arrays import Array
from declnet.contracts.data.table import ColumnNote, ColumnType, Table, missing_values
from declnet.contracts.returned import BrokenContractError
from declnet.data.cells import Cells, text_of
from declnet.data.passes import followed
from declnet.data.reservoir import Reservoir
from declnet.data.sources.python_table import as_table, columns_of
from declnet.data.sources.table_columns import TableColumns
from declnet.data.typed_columns import TypedColumn
from declnet.errors import DataError

MOST_COUNTED = 1000
"""Different values of a column that are counted, at most."""

Part = tuple[range, dict[str, Array]]
"""The numbers of consecutive rows, and their columns."""

PartsOf = Callable[[Any], Iterator[Part]]
"""A method that yields the rows of a source in parts."""


@dataclass(frozen=True, eq=False)
class TableSample:
    """Rows of a table that are drawn at random.

    Attributes:
        table: the rows, in order, with their numbers.
        rows: the number of rows of the whole table.
        counts: how many of all rows have each value, of columns of few values.
        in_blocks: whether they can be read in blocks, as `data.stream` needs.
    """

    table: Table
    rows: int
    counts: Mapping[str, Mapping[Any, int]]
    in_blocks: bool


@dataclass(frozen=True, eq=False)
class TypedRows:
    """Rows of a part of a table, with their numbers, in columns of the types so far."""

    rows: range | Array
    columns: dict[str, Array]

    def take(self, positions: Array) -> TypedRows:
        """Return some of the rows."""
        columns = {name: column[positions] for name, column in self.columns.items()}
        return TypedRows(np.asarray(self.rows)[positions], columns)


def random_rows(
    parts: Iterable[Part], rng: np.random.Generator, most: int, counted: Iterable[str]
) -> tuple[list[TypedRows], int, dict[str, Counter[Any]]]:
    """Read all parts of a table; return rows that are drawn at random, and what all rows have.

    Args:
        rng: what draws the rows.
        most: the most rows to draw.
        counted: columns whose values are counted, unless they have more than `MOST_COUNTED`.

    Returns:
        The rows drawn from each part, in order; the number of all rows; and how often each value of
        the counted columns occurs.
    """
    drawn: Reservoir[TypedRows] = Reservoir()
    counts: dict[str, Counter[Any]] = {name: Counter() for name in counted}
    total = 0
    for rows, columns in followed(parts, "reading the table", lambda part: len(part[0])):
        for name in counts.keys() & columns.keys():
            column = columns[name]
            counts[name].update(column[~missing_values(column)].tolist())
            if len(counts[name]) > MOST_COUNTED:
                del counts[name]
        drawn.add(TypedRows(rows, columns), rng.random(len(rows)), most)
        total += len(rows)
    if total:
        drawn.trim(most)
    return drawn.parts, total, counts


class TablePart(NamedTuple):
    """Consecutive rows of a table as its source reads them.

    Attributes:
        rows: the numbers of the rows, from 1.
        columns: the values of each column, as `as_table` takes them, or cells of text.
        notes: remarks of the source on columns.
    """

    rows: range
    columns: Mapping[str, Any]
    notes: Mapping[str, ColumnNote]

    @classmethod
    def read_by(cls, source: TableColumns, method: str, rows: Any, first: int) -> TablePart:
        """Return what a method of a source read as rows from number `first` on."""
        columns = columns_of(rows)
        if columns is None:
            raise BrokenContractError(source, method, f"gives {shown(rows)}, not a table")
        lengths = {len(values) for values in columns.values()}
        if len(lengths) != 1:
            listed = ", ".join(map(str, sorted(lengths))) or "no"
            raise BrokenContractError(source, method, f"gives columns of {listed} rows")
        notes = rows.notes if isinstance(rows, Table) else {}
        return cls(range(first, first + lengths.pop()), columns, notes)


class TableReading:
    """The columns of a table that are read part by part, in order.

    Args:
        source: what to read.
        types: the types of columns, as far as they are known.

    Attributes:
        unusable: the columns that no table can hold, with the reason.
    """

    def __init__(self, source: TableColumns, types: Mapping[str, ColumnType]) -> None:
        self._source, self._types = source, types
        self._spelled = {*source.target_columns} - types.keys()
        self._text: dict[str, TypedColumn] = {}
        self._notes: dict[str, ColumnNote] = {}
        self.unusable: dict[str, str] = {}

    def add(self, part: TablePart) -> dict[str, Array]:
        """Return the columns of the next part that have to be read, in their types so far.

        Raises:
            DataError: a cell does not have the type of its column.
        """
        source, arrays = self._source, {}
        self._notes |= part.notes
        for name, values in part.columns.items():
            if name in self.unusable or not source.needs(name):
                continue
            if source._infers_types:
                arrays[name] = self._text_column(name).add(self._as_cells(values), part.rows)
                continue
            with self._unless_required(name):
                table = as_table(
                    {name: values},
                    first_row=part.rows.start,
                    cells=source.cell_format,
                    types=self._types,
                    marks_unreadable=source._marks_unreadable,
                )
                arrays[name] = cast("Table", table).columns[name]
        return arrays

    def numeric_types(self, name: str) -> tuple[str, ...]:
        """Return the types in which the next cells of a column of text may be read directly."""
        return self._text_column(name).numeric

    def _text_column(self, name: str) -> TypedColumn:
        if name not in self._text:
            known = self._types.get(name)
            declared = None if known == "text" else self._source._declared_types.get(name)
            self._text[name] = TypedColumn(name, declared, known, spelled=name in self._spelled)
        return self._text[name]

    def _as_cells(self, values: Any) -> Cells:
        if isinstance(values, Cells):
            return values
        form = self._source.cell_format
        texts = values if isinstance(values, list) else list(values)
        if {*map(type, texts)} == {str}:
            return Cells(texts, form.missing, form.decimal)
        texts = [text_of(value, form.decimal) or "" for value in texts]
        return Cells(texts, {*form.missing, ""}, form.decimal)

    @contextmanager
    def _unless_required(self, name: str) -> Iterator[None]:
        """Add a column to `unusable` with its error, or raise that if the column is required."""
        try:
            yield
        except DataError as error:
            if self._source.requires(name):
                hint = error.hint or "leave it out by naming the features"
                raise error.replaced(hint=hint) from None
            self.unusable[name] = error.fault

    @property
    def types(self) -> dict[str, ColumnType]:
        """The types of the columns of text, all of whose cells were added."""
        return {
            name: column.type if column.type in ("integer", "boolean", "text") else "number"  # type: ignore[misc]
            for name, column in self._text.items()
        }

    @property
    def lost(self) -> dict[str, int]:
        """The columns of text whose first parts have to be read again, and how many parts."""
        return {name: column.lost for name, column in self._text.items() if column.lost}

    @property
    def spellings(self) -> dict[str, dict[Any, str]]:
        """How values of targets are written, of columns where one is not written as its name."""
        spellings = {name: column.spellings() for name, column in self._text.items()}
        return {name: texts for name, texts in spellings.items() if texts}

    def final(self, name: str, part: Array) -> tuple[str, Array]:
        """Return a column that `add` returned in the type of all parts, unless it is lost."""
        return name, self._text[name].final(part) if name in self._text else part

    def joined(self, rows: Sequence[range | Array], parts: Sequence[dict[str, Array]]) -> Table:
        """Return the table of all parts, which are emptied.

        Args:
            rows: the numbers of the rows of each part.
            parts: the columns of these rows, as `add` returned them, lost columns read again.

        Raises:
            DataError: a column is text in one part and not in another.
        """
        columns, notes = {}, dict(self._notes)
        for name in dict.fromkeys(name for part in parts for name in part):
            if name in self.unusable:
                continue
            with self._unless_required(name):
                arrays = [part.pop(name, None) for part in parts]
                columns[name] = self._joined(name, rows, arrays)
                if name in self._text:
                    decimal = self._source.cell_format.decimal
                    note = self._text[name].note(columns[name], decimal, partial(_row_at, rows))
                    notes |= {} if note is None else {name: note}
        if self._source._reports_unusable:
            left_out = self.unusable.items()
            notes |= {name: ColumnNote(f"is left out: {why}") for name, why in left_out}
        else:
            notes = {name: note for name, note in notes.items() if name in columns}
        table = self._source._table(columns)
        return replace(table, notes=notes, spellings=self.spellings)

    def _joined(
        self, name: str, rows: Sequence[range | Array], parts: Sequence[Array | None]
    ) -> Array:
        """Return a column of consecutive parts, of which some may lack it."""
        arrays = [
            np.full(len(numbers), np.nan) if part is None else self.final(name, part)[1]
            for numbers, part in zip(rows, parts, strict=True)
        ]
        if any(array.dtype.kind == "O" for array in arrays):
            for position, array in enumerate(arrays):
                if array.dtype.kind == "O":
                    continue
                there = ~missing_values(array)
                if there.any():
                    row = int(rows[position][int(np.argmax(there))])
                    raise DataError.in_cell(row, name, f"is {array[there][0]}, but text elsewhere")
                arrays[position] = np.full(len(array), None)
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _row_at(rows: Sequence[range | Array], position: int) -> int:
    """Return the number of a row of several parts, given its position in all of them."""
    for part in rows:
        if position < len(part):
            return int(part[position])
        position -= len(part)
    raise IndexError(position)
