"""The base of tables whose cells are text: their types are found, and the same in all parts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
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

Types = Mapping[str, str]
Block = tuple[int, Sequence[Cells]]
"""The number of the block's first row, and the cells of each column."""


class TextTable(Protocol):
    """The text of a table."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""

    def blocks(self, types: Types) -> Iterator[Block]:
        """Yield the cells in blocks, the same ones each time.

        Args:
            types: the probable types of columns, of which only numbers and integers matter.
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
        types = {name: each for name, each in self.types.items() if name in names}
        return super().with_columns(names).model_copy(update={"types": types})

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:
        """Return a source whose columns have these types; text also where it declares another."""
        declared = {name: each for name, each in self.types.items() if types.get(name) != "text"}
        other = super().with_types(types).model_copy(update={"types": declared})
        other._commas = self._declared_commas
        return other

    def with_target(self, column: str | None) -> Self:
        """Return a source with another target; without one, the old one's type is dropped too."""
        other = super().with_target(column)
        if column is not None or not set(self.target_columns) & set(self.types):
            return other
        types = {n: each for n, each in self.types.items() if n not in self.target_columns}
        return other.model_copy(update={"types": types})

    def describe(self) -> DataInfo | None:
        """Read only the names of the columns."""
        self._checked()
        return None

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        return self._loaded(self._checked())

    def _loaded(self, text: TextTable) -> Table:
        targets = self.target_columns
        found = columns = _read(text, self.types, self._settled, self._only, spelled=targets)
        lost = frozenset(name for name, column in columns.items() if column.lost)
        if lost:
            columns = found | _read(text, dict.fromkeys(lost, "text"), {}, lost)
        arrays = {name: column.array() for name, column in columns.items()}
        if not len(next(iter(arrays.values()))):
            raise self._no_rows()
        notes = {name: found[name].note(array, self._decimal) for name, array in arrays.items()}
        table = replace(
            self.records(arrays),
            notes={k: v for k, v in notes.items() if v},
            spellings=spellings_of(columns),
        )
        integers = {name for name, kind in types_of(found).items() if kind == "integer"}
        return next(self.labelled([table], integers))

    def preview(self, samples: int, numbers: int) -> Dataset | Table | None:
        """Read the first rows, if the file can be read in blocks."""
        if type(self).blocks is TextTableSource.blocks:
            return None
        table = self._loaded(_FirstBlock(self._checked()))
        return table.take(
            np.arange(min(len(table), samples, max(1, numbers // len(table.columns))))
        )

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks, after a first pass if a column's type is not yet known."""
        return self.labelled(self._parts(self._checked(), samples))

    def _parts(self, text: TextTable, samples: int) -> Iterator[Table]:
        first = 1
        for columns in self._arrays(text, samples):
            part = self.records(columns)
            yield replace(part, rows=np.arange(first, first + len(part)))
            first += len(part)

    def _arrays(self, text: TextTable, rows: int) -> Iterator[dict[str, Array]]:
        """Yield the columns in chunks of up to `rows` rows, with the same types in all."""
        settled = self._settled
        names = [name for name in text.names if self._only is None or name in self._only]
        unknown = frozenset(names) - self.types.keys() - settled.keys()
        if unknown:
            settled = settled | _found_types(text, unknown)
        waiting: dict[str, list[Array]] = {name: [] for name in names}
        count, any_rows = 0, False
        for first_row, block in text.blocks({**settled, **self.types}):
            any_rows = True
            for name, cells in zip(text.names, block, strict=True):
                if name in waiting:
                    waiting[name].append(self.typed_cells(name, cells, first_row, settled))
            count += len(block[0])
            while count >= rows:
                yield _cut(waiting, rows)
                count -= rows
        if count:
            yield _cut(waiting, count)
        if not any_rows:
            raise self._no_rows()

    def typed_cells(
        self, name: str, cells: Cells, first_row: int, settled: Mapping[str, ColumnType]
    ) -> Array:
        """Return cells of a column in its type, as declared or settled by all of its cells."""
        column = TypedColumn(name, self.types.get(name), settled.get(name))
        column.add(cells, _rows(cells, first_row))
        return column.array()

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


class _FirstBlock:
    """The first block of a text."""

    def __init__(self, text: TextTable) -> None:
        self.names, self._text = text.names, text

    def blocks(self, types: Types) -> Iterator[Block]:
        """Yield the first block, if there is one."""
        yield from islice(self._text.blocks(types), 1)


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


def _found_types(text: TextTable, only: frozenset[str]) -> dict[str, ColumnType]:
    """Return the types of some columns, from all their cells."""
    return types_of(_read(text, {}, {}, only, keep=False))


def types_of(columns: Mapping[str, TypedColumn]) -> dict[str, ColumnType]:
    """Return the types of columns to which all cells were added."""
    types: dict[str, ColumnType] = {}
    for name, column in columns.items():
        kind = "text" if column.lost else column.type
        types[name] = kind if kind in ("integer", "boolean", "text") else "number"  # type: ignore[assignment]
    return types


def spellings_of(columns: Mapping[str, TypedColumn]) -> dict[str, dict[Any, str]]:
    """Return how values are written, of columns with values that are not written as their name."""
    found = {name: column.spellings() for name, column in columns.items()}
    return {name: spellings for name, spellings in found.items() if spellings}


def _read(
    text: TextTable,
    declared: Types,
    settled: Types,
    only: frozenset[str] | None,
    keep: bool = True,
    spelled: Collection[str] = (),
) -> dict[str, TypedColumn]:
    """Return some or all columns, kept or only typed.

    Raises:
        DataError: the file cannot be read, or a cell is not of its column's type.
    """
    columns = {
        position: TypedColumn(
            name, declared.get(name), settled.get(name), keep, spelled=name in spelled
        )
        for position, name in enumerate(text.names)
        if only is None or name in only
    }
    for first_row, block in text.blocks({**settled, **declared}):
        for position, column in columns.items():
            column.add(block[position], _rows(block[position], first_row))
    return {column.name: column for column in columns.values()}


def _cut(waiting: dict[str, list[Array]], rows: int) -> dict[str, Array]:
    """Remove rows from the front of each column and return them."""
    taken = {}
    for name, parts in waiting.items():
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        taken[name] = whole[:rows]
        parts[:] = [whole[rows:]]
    return taken


def _rows(cells: Cells, first_row: int) -> range:
    """Return the number of the row of each cell."""
    return range(first_row, first_row + len(cells))
