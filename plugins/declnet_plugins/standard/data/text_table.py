"""The base of tables whose cells are text: their types are found, and the same in all parts."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from pydantic import Field, PrivateAttr

from declnet import (
    SPACES,
    Array,
    CellFormat,
    Cells,
    ColumnType,
    DataError,
    DataInfo,
    Dataset,
    Table,
    TypedColumn,
)
from declnet_plugins.standard.data.table_source import TableSource, require

Columns = Mapping[int, TypedColumn]
"""The columns that are read, by position."""


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table.

    Attributes:
        rows: the numbers of the rows, from 1.
        cells: returns the cells of a column by its position.
        place: the first byte of the rows in the file and their number of bytes, if they can be read
            alone.
    """

    rows: range
    cells: Callable[[int], Cells]
    place: tuple[int, int] | None = None


class TextTable(Protocol):
    """The text of a table."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""

    def blocks(self, columns: Columns) -> Iterator[Block]:
        """Yield the rows in blocks, the same ones each time.

        Args:
            columns: the columns whose cells are needed, with what is known about their types.
        """


class TextTableSource(TableSource):
    """A table whose file does not declare its columns' types."""

    types: dict[str, Literal["text", "number", "integer", "comma_number"]] = Field(
        default_factory=dict,
        description="types of columns; others are detected. A comma_number has a decimal comma, "
        "as in 1.250,50, in a file whose decimal separator is the point",
    )
    path: Path = Field(description="the file")
    header: bool = Field(
        default=True, description="whether the first row names the columns; else: column_1, …"
    )

    _commas: tuple[str, ...] = PrivateAttr(default=())
    """The columns that are declared to have decimal commas, even if they are now read as text."""

    def _text(self) -> TextTable:
        """Return the text of the table; raise DataError if the file cannot be read."""
        raise NotImplementedError

    @property
    def cell_format(self) -> CellFormat:
        """How the cells are written."""
        return CellFormat(self.missing, self._decimal, self._commas or self._declared_commas)

    @property
    def _declared_commas(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.types.items() if kind == "comma_number")

    @property
    def _decimal(self) -> Literal[".", ","]:
        """The decimal sign."""
        return "."

    def _hint(self, names: Sequence[str]) -> str | None:
        """Return why a column might not be among the names, if they suggest it."""
        return None

    def with_columns(self, names: Collection[str]) -> Self:
        """Return a source of only these columns, which must exist, without the others' types."""
        types = {name: kind for name, kind in self.types.items() if name in names}
        return super().with_columns(names).model_copy(update={"types": types})

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:
        """Return a source whose columns have these types; text also where it declares another."""
        declared = {name: kind for name, kind in self.types.items() if types.get(name) != "text"}
        other = super().with_types(types).model_copy(update={"types": declared})
        other._commas = self._declared_commas
        return other

    def with_target(self, column: str | None) -> Self:
        """Return a source with another target; without one, the old one's type is dropped too."""
        other = super().with_target(column)
        if column is not None or not set(self.target_columns) & set(self.types):
            return other
        types = {n: kind for n, kind in self.types.items() if n not in self.target_columns}
        return other.model_copy(update={"types": types})

    def describe(self) -> DataInfo | None:
        """Read only the names of the columns."""
        self._checked()
        return None

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        return self._loaded(None)

    def preview(self, samples: int, numbers: int) -> Dataset | Table | None:
        """Read the first rows, if the file can be read in blocks."""
        if type(self).blocks is TextTableSource.blocks:
            return None
        table = self._loaded(1)
        return table.take(
            np.arange(min(len(table), samples, max(1, numbers // len(table.columns))))
        )

    def _loaded(self, most: int | None) -> Table:
        """Return the table, or the rows of the first blocks alone."""
        text = self._checked()
        columns = self.typed_columns(text.names, self._settled, self.target_columns)
        parts: list[dict[int, Array]] = [
            {at: column.add(block.cells(at), block.rows) for at, column in columns.items()}
            for block in islice(text.blocks(columns), most)
        ]
        if not parts:
            raise self._no_rows()
        lost = {
            at: TypedColumn(column.name, "text") for at, column in columns.items() if column.lost
        }
        for number, block in enumerate(text.blocks(lost) if lost else ()):
            for at in (at for at in lost if number < columns[at].lost):
                parts[number][at] = block.cells(at).text()
        arrays, notes = {}, {}
        for at, column in columns.items():
            array = arrays[column.name] = np.concatenate([column.final(p.pop(at)) for p in parts])
            if (note := column.note(array, self._decimal)) is not None:
                notes[column.name] = note
        table = replace(self.records(arrays), notes=notes, spellings=spellings_of(columns))
        return next(self.labelled([table], integers_of(columns)))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks, after a first pass if a column's type is not yet known."""
        return self.labelled(self._parts(self._checked(), samples))

    def _parts(self, text: TextTable, samples: int) -> Iterator[Table]:
        columns = self.typed_columns(text.names, self._settled)
        unknown = {at: column for at, column in columns.items() if column.is_inferred}
        for block in text.blocks(unknown) if unknown else ():
            for at, column in unknown.items():
                if column.type != "text":
                    column.add(block.cells(at), block.rows)
        columns = self.typed_columns(text.names, self._settled | types_of(unknown))
        first, count, held = 1, 0, dict[str, Array]()
        for block in text.blocks(columns):
            parts = {c.name: c.add(block.cells(at), block.rows) for at, c in columns.items()}
            held = {
                n: np.concatenate([held[n], part]) if count else part for n, part in parts.items()
            }
            count += len(block.rows)
            while count >= samples:
                yield self._numbered({name: part[:samples] for name, part in held.items()}, first)
                held = {name: part[samples:] for name, part in held.items()}
                first, count = first + samples, count - samples
        if count:
            yield self._numbered(held, first)
        elif first == 1:
            raise self._no_rows()

    def _numbered(self, columns: Mapping[str, Array], first: int) -> Table:
        """Return columns as a table whose rows have their numbers."""
        table = self.records(columns)
        return replace(table, rows=np.arange(first, first + len(table)))

    def typed_columns(
        self, names: Sequence[str], settled: Mapping[str, ColumnType], spelled: Collection[str] = ()
    ) -> dict[int, TypedColumn]:
        """Return the columns that are needed, by position, without any cell.

        Args:
            names: the names of all columns.
            settled: the types of columns, as far as they are known.
            spelled: the columns of which it is kept how their values are written, unless their
                types are settled.
        """
        return {
            at: TypedColumn(
                name,
                self.types.get(name),
                settled.get(name),
                spelled=name in spelled and name not in settled,
            )
            for at, name in enumerate(names)
            if self._only is None or name in self._only
        }

    def _checked(self) -> TextTable:
        """Return the text of the table, which has all named columns."""
        text = self._text()
        hint = self._hint(text.names)
        self.require_columns(text.names, hint)
        for name in self.types:
            require(text.names, name, ("types", name), hint)
        return text

    def _no_rows(self) -> DataError:
        return DataError(f"{self.path}: has a header, but no rows")


def header(cells: Sequence[str], path: Path) -> list[str]:
    """Return the columns' names, using the position for unnamed ones, as in `column_1`.

    Raises:
        DataError: two have the same name.
    """
    names = [
        cell.strip(SPACES) or other for cell, other in zip(cells, unnamed(len(cells)), strict=True)
    ]
    positions: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in positions:
            raise DataError(
                f'{path}: columns {positions[name]} and {position} are both called "{name}"',
                hint="rename one of them in the file",
            )
        positions[name] = position
    return names


def unnamed(count: int) -> list[str]:
    """Return names for unnamed columns."""
    return [f"column_{position}" for position in range(1, count + 1)]


def types_of(columns: Columns) -> dict[str, ColumnType]:
    """Return the types of columns to which all cells were added."""
    return {
        column.name: column.type if column.type in ("integer", "boolean", "text") else "number"  # type: ignore[misc]
        for column in columns.values()
    }


def integers_of(columns: Columns) -> Collection[str]:
    """Return the names of the columns of integers."""
    return {column.name for column in columns.values() if column.type == "integer"}


def spellings_of(columns: Columns) -> dict[str, dict[Any, str]]:
    """Return how values are written, of columns with values that are not written as their name."""
    every = {column.name: column.spellings() for column in columns.values()}
    return {name: spellings for name, spellings in every.items() if spellings}
