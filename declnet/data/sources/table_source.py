"""TableSource: the base of data sources of tables, from the reading of rows to streams."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr

from declnet.contracts.arrays import Array, Size
from declnet.contracts.data.data_source import Blocks, DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.returned import verified
from declnet.data.block_file import BlockFile, packed, unpacked
from declnet.data.passes import followed
from declnet.data.sources.table_columns import TableColumns
from declnet.data.sources.table_reading import (
    PartsOf,
    TablePart,
    TableReading,
    TableSample,
    TypedRows,
    random_rows,
)
from declnet.errors import DataError, RegistryError

ROWS = 1 << 16
"""Rows in a part of a table that is read in blocks, from the first to the last."""

MOST_CELLS = 1 << 20
"""Cells in such a part, at most, unless a row has more."""


@dataclass(frozen=True)
class TableBlock:
    """Consecutive rows of a table that can be read alone.

    Attributes:
        rows: the number of rows.
        read: returns the rows, as `TableSource.read` yields them, from any thread.
        group: as in `Blocks.groups`; the blocks of a table have all one, or none.
        content: what `read` returns, if it is in memory anyway when the block is found.
    """

    rows: int
    read: Callable[[], Any]
    group: int | None = None
    content: Any = None

    def part(self, source: TableColumns, rows: range) -> TablePart:
        """Return the rows as part of what a source reads, with their numbers."""
        content = self.read() if self.content is None else self.content
        return TablePart.read_by(source, "read_blocks", content, rows.start)


class TableSource(TableColumns):
    """A source of a table, whose columns have types where it is stored, e.g. a database.

    It implements `read`, or `read_blocks` if the rows can be read in any order, or both; all else
    follows. Its fields are `target`, `targets`, `features`, `missing_target` and `missing`. If it
    reads a file, that is the field `path`.
    """

    kind = "data_source"
    conformance_checks = "declnet.testing.checks.data_sources"
    required_methods = ()

    _reading: TableReading | None = PrivateAttr(default=None)
    """The pass over the rows for which this source was copied."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class that reads no rows."""
        super().verify_contract()
        if cls.read is TableSource.read and not cls.reads_blocks():
            raise RegistryError(
                f"{cls.__name__} has neither read() nor read_blocks(), which a table source needs"
            )

    @classmethod
    def reads_blocks(cls) -> bool:
        """Return whether the source implements `read_blocks`."""
        return cls.read_blocks is not TableSource.read_blocks

    def read(self) -> Iterator[Any]:
        """Yield the table in parts of consecutive rows; default: the blocks of `read_blocks`.

        Raises:
            DataError: the data does not exist or cannot be read.

        Yields:
            A `Table`, or what `as_table` makes one of: a mapping of columns, a data frame, or a
            list of mappings, one per row. Columns for which `needs` is false may be left out.
        """
        yield from (block.read() for block in verified(TableSource.read_blocks, self, ROWS))

    def read_blocks(self, rows: Size) -> Iterator[TableBlock]:
        """Yield consecutive rows in blocks, each of which can be read at any time, in any order.

        Implement this for files that may be larger than memory: `data.stream` needs it.

        Args:
            rows: the most rows in a block, as far as the format allows.

        Raises:
            DataError: the data does not exist, or cannot be read in blocks.
        """
        raise NotImplementedError

    def column_names(self) -> Sequence[str]:
        """Return the names of all columns; default: from the first part that `read` yields.

        Override this if the names can be read without the rows.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        for part in verified(TableSource.read, self):
            return list(TablePart.read_by(self, "read", part, 1).columns)
        raise self._no_rows()

    def column_types(self) -> Mapping[str, ColumnType]:
        """Return the types of columns that are stored with the table; default: none.

        With `read_blocks`, they must include columns of text and of integers with missing values,
        whose types are then the same in all blocks.
        """
        return {}

    def describe(self) -> None:
        """Check that the named columns exist."""
        self.require_columns(verified(TableSource.column_names, self))

    def load(self, rng: np.random.Generator) -> Table:  # noqa: ARG002  # nothing is random
        """Read all rows."""
        source, reading = self._begun()
        parts = [TypedRows(rows, columns) for rows, columns in source._parts()]
        return self._joined(reading, parts, TableSource._parts)

    def random_rows(
        self, rng: np.random.Generator, most: Size, counted: Collection[str] = ()
    ) -> TableSample:
        """Read all rows, and return as many of them as fit, drawn at random, in order.

        Only these and a part of the table are in memory; the types of columns depend on all rows.

        Args:
            rng: what draws the rows.
            most: the most rows to return.
            counted: columns whose values are counted in all rows, unless they are many.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        if self.reads_blocks():
            with suppress(DataError):  # `read` may read them, or says what is wrong
                return self._drawn(TableSource._parts_by_block, rng, most, counted)
        return self._drawn(TableSource._parts, rng, most, counted)

    def _drawn(
        self, parts_of: PartsOf, rng: np.random.Generator, most: int, counted: Collection[str]
    ) -> TableSample:
        """Return rows of parts that are drawn at random; raise DataError if there are none."""
        source, reading = self._begun()
        parts, total, counts = random_rows(parts_of(source), rng, most, counted)
        if not total:
            raise self._no_rows()
        known = {name: counts[name] for name in counts.keys() - reading.lost.keys()}
        table = self._joined(reading, parts, parts_of)
        in_blocks = parts_of is TableSource._parts_by_block
        return TableSample(table, total, known, in_blocks)

    def _joined(
        self, reading: TableReading, parts: Sequence[TypedRows], parts_of: PartsOf
    ) -> Table:
        """Return the table of some rows of each part; lost columns of the first are read again."""
        if reading.lost:
            self._read_again(reading.lost, parts, parts_of)
        rows, columns = [part.rows for part in parts], [part.columns for part in parts]
        table = reading.joined(rows, columns)
        if not all(isinstance(numbers, range) for numbers in rows):
            table = replace(table, rows=np.concatenate([np.asarray(numbers) for numbers in rows]))
        return next(self._labeled([table], self._integers(reading)))

    def verify_load(self, data: Dataset | Table, *_: Any) -> None:
        """Accept tables."""

    def _read_again(
        self, lost: Mapping[str, int], parts: Sequence[TypedRows], parts_of: PartsOf
    ) -> None:
        """Replace columns in their first parts by their text."""
        types: dict[str, ColumnType] = dict.fromkeys(lost, "text")
        only = verified(TableSource.with_columns, self, lost)
        typed = verified(TableSource.with_types, only, types)
        again, _ = typed._begun()
        for number, (rows, columns) in zip(
            range(max(lost.values())), parts_of(again), strict=False
        ):
            part = parts[number]
            whole = TypedRows(rows, columns)
            same = whole.take(np.asarray(part.rows) - rows.start)
            for name, column in same.columns.items():
                if number < lost[name]:
                    part.columns[name] = column

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the rows part by part, or all first if the types of columns are not known."""
        typed = self._with_types_of_all()
        if typed is None:
            return super().chunks(rng, samples)
        source, _ = typed._begun()
        return self._labeled(self._in_chunks(source._parts(samples), samples))

    def _with_types_of_all(self) -> Self | None:
        """Return this source with the types of its columns; None if they are not known."""
        return self if self._known_types else None

    def _in_chunks(
        self, parts: Iterable[tuple[range, dict[str, Array]]], samples: int
    ) -> Iterator[Table]:
        """Yield the rows of parts in tables of `samples` rows."""
        first, count, held = 1, 0, dict[str, Array]()
        for rows, part in parts:
            held = _after(held, count, part) if count else part
            count += len(rows)
            while count >= samples:
                chunk = {name: column[:samples] for name, column in held.items()}
                yield self._table(chunk, range(first, first := first + samples))
                held = {name: column[samples:] for name, column in held.items()}
                count -= samples
        if count:
            yield self._table(held, range(first, first + count))

    def blocks(self, samples: int, numbers: int) -> Blocks | None:
        """Return the blocks of `read_blocks` that have rows which are not left out.

        The rows are read before only to find those that are left out, or the types of cells.
        """
        if not self.reads_blocks():
            return None
        size = self._rows_in_block(samples, numbers)
        source, reading = self._begun()
        copy = None
        if self._infers_types and self._copies:
            files = verified(DataSource.data_files, self)
            copy = BlockFile(0, size=sum(path.stat().st_size for path in files if path.is_file()))
        surveyed = source
        if self._leaves_out and not self._infers_types:
            surveyed = verified(TableSource.with_columns, source, self.target_columns)
        blocks: list[tuple[range, TableBlock]] = []
        counts: list[int] = []
        for rows, block in followed(
            surveyed._numbered_blocks(size), "finding the rows", lambda block: len(block[0])
        ):
            if self._infers_types or self._leaves_out:
                columns = reading.add(block.part(self, rows))
                counts.append(int(self._has_targets(columns).sum()))
                if copy is not None and [*columns] == [*reading.types]:
                    copy.keep(len(blocks), packed(columns.values()))
            else:
                counts.append(block.rows)
            blocks.append((rows, replace(block, content=None)))
        if surveyed is not source:
            blocks = list(source._numbered_blocks(size))
        types, integers = {**self._all_types, **reading.types}, self._integers(reading)
        spellings, lost = reading.spellings, max(reading.lost.values(), default=0)
        present = [number for number, count in enumerate(counts) if count]

        def read(index: int) -> Table:
            number = present[index]
            rows, block = blocks[number]
            copied = None if copy is None or number < lost else copy.read(number)
            if copied is None:
                columns = TableReading(self, types).add(block.part(self, rows))
            else:
                columns = dict(map(reading.final, reading.types, unpacked(copied)))
            table = replace(self._table(columns, rows), spellings=spellings)
            return next(self._labeled([table], integers))

        groups = [blocks[number][1].group for number in present]
        return Blocks(
            tuple(counts[number] for number in present),
            read,
            tuple(group for group in groups if group is not None),
        )

    def _numbered_blocks(self, size: int) -> Iterator[tuple[range, TableBlock]]:
        """Yield the blocks of `read_blocks`, with the numbers of their rows."""
        first = 1
        for block in verified(TableSource.read_blocks, self, size):
            yield range(first, first := first + block.rows), block

    def preview(self, samples: int, numbers: int) -> Dataset | Table | None:
        """Return the first rows, if the source can be read in blocks."""
        if not self.reads_blocks():
            return None
        size = self._rows_in_block(samples, numbers)
        source, reading = self._begun()
        for rows, part in source._parts(size):
            table = reading.joined([rows], [part])
            if self._has_targets(table.columns).any():
                table = replace(table, rows=np.array(rows))
                table = next(self._labeled([table], self._integers(reading)))
                return table.take(np.arange(min(len(table), size)))
        return next(self._labeled([]))

    def _rows_in_block(self, samples: int, numbers: int) -> int:
        """Return how many rows a block has; raise DataError if a named column does not exist."""
        names = verified(TableSource.column_names, self)
        self.require_columns(names)
        return Blocks.samples_in_block(samples, numbers, len(names))

    def _parts(self, rows: int = ROWS) -> Iterator[tuple[range, dict[str, Array]]]:
        """Yield the numbers and the columns of rows in parts, as they are in this pass.

        They are the parts of `read`, or blocks of up to `rows` rows if only `read_blocks` exists.
        """
        if type(self).read is TableSource.read:
            method, blocks = "read_blocks", verified(TableSource.read_blocks, self, rows)
            parts: Any = (block.read() for block in blocks)
        else:
            method, parts = "read", verified(TableSource.read, self)
        first, reading = 1, self._reading or TableReading(self, self._all_types)
        with closing(parts):  # also if a cell is wrong: a query would remain open
            for content in parts:
                part = TablePart.read_by(self, method, content, first)
                if first == 1 and not self.required_columns <= part.columns.keys():
                    self.require_columns(verified(TableSource.column_names, self))
                yield part.rows, reading.add(part)
                first = part.rows.stop
        if first == 1:
            self.require_columns(verified(TableSource.column_names, self))
            raise self._no_rows()

    def _parts_by_block(self) -> Iterator[tuple[range, dict[str, Array]]]:
        """Yield the same as `_parts`, block by block."""
        reading = self._reading or TableReading(self, self._all_types)
        for rows, block in self._numbered_blocks(self._rows_in_block(ROWS, MOST_CELLS)):
            yield rows, reading.add(block.part(self, rows))

    def _begun(self) -> tuple[Self, TableReading]:
        """Return this source for a pass over the rows, and what their columns become in it."""
        reading = TableReading(self, self._all_types)
        return self._with(_reading=reading), reading

    @property
    def _all_types(self) -> dict[str, ColumnType]:
        """The types of columns, as far as they are known before rows are read."""
        stored = verified(TableSource.column_types, self)
        return {**stored, **self._known_types}

    def _integers(self, reading: TableReading) -> Collection[str] | None:
        """Return the columns of integers, even where values are missing; None if not known."""
        stored = verified(TableSource.column_types, self)
        types = reading.types or stored
        return {name for name, type_ in types.items() if type_ == "integer"} if types else None

    def _no_rows(self) -> DataError:
        label = getattr(self, "path", None) or f'data source "{self.type}"'
        rows = "a header, but no rows" if getattr(self, "header", False) else "no rows"
        return DataError(f"{label}: has {rows}")


class TextTableSource(TableSource):
    """A source of a table whose cells are text; the types of its columns follow from the cells.

    As in a CSV file, a column holds integers, numbers, booleans or text, the first type that fits
    all its cells, unless the field `types` declares it. `read` yields columns of texts.
    """

    _infers_types: ClassVar[bool] = True

    types: dict[str, Literal["text", "number", "integer", "comma_number"]] = Field(
        default_factory=dict,
        description="types of columns; others are detected. A comma_number has a decimal comma, "
        "as in 1.250,50, in a file whose decimal separator is the point",
    )

    def with_target(self, column: str | None) -> Self:
        """Return a source with another target; without one, the old one's type is dropped too."""
        lost = self.target_columns if column is None else ()
        types = {name: kind for name, kind in self.types.items() if name not in lost}
        changes = {"target": column, "targets": None, "types": types}
        return self.model_copy(update=changes)

    def numeric_types(self, name: str) -> tuple[str, ...]:
        """Return the types in which `read` may give the next cells of a column as numbers.

        It does so with a class derived from `Cells`, if its library parses numbers as declnet does.

        Returns:
            Some of `"integer"` and `"number"`, depending on the cells so far; empty for text.
        """
        return () if self._reading is None else self._reading.numeric_types(name)

    def _with_types_of_all(self) -> Self:
        """Return this source with the types of its columns, after a pass over unknown ones."""
        unknown = [
            name
            for name in verified(TableSource.column_names, self)
            if self.needs(name) and name not in self.types and name not in self._known_types
        ]
        if not unknown:
            return self
        source, reading = verified(TableSource.with_columns, self, unknown)._begun()
        for _ in source._parts():
            pass
        types = {**self._known_types, **reading.types}
        return verified(TableSource.with_types, self, types)


def _after(held: Mapping[str, Array], count: int, part: Mapping[str, Array]) -> dict[str, Array]:
    """Return the columns of consecutive rows; a column may be missing in the first ones."""
    columns = {}
    for name, column in part.items():
        gap = None if column.dtype.kind == "O" else np.nan
        before = held[name] if name in held else np.full(count, gap)
        columns[name] = np.concatenate([before, column])
    return columns
