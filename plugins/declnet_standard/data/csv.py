"""Tables in CSV files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator

from declnet import Array, ColumnType, DataError, DataInfo, Dataset, DataSource, Table
from declnet_standard.data.cells import Cells, TypedColumn
from declnet_standard.data.csv_detection import has_decimal_commas, text_format
from declnet_standard.data.csv_polars import PlainBlocks, polars_is_there
from declnet_standard.data.csv_rows import CSVFile, CSVFormat
from declnet_standard.data.table_source import TextTableSource, require
from declnet_standard.data.text_file import opened

Types = Mapping[str, str]
Block = tuple[int, Sequence[Cells]]
"""The number of the block's first row, and the cells of each column."""


class CSV(TextTableSource):
    """A table in a text file, one row a line, its cells parted by commas; .gz files too.

    The first row names the columns. Cells may be quoted, with quotation marks doubled inside. A
    column holds integers, numbers, booleans (true and false) or text, the first type that fits all
    its cells, unless `types` overrides it. Numbers may have thousands separators and a currency or
    percent sign, as in `$1,250.50`; a leading zero, as in `01`, makes a column text. Blank lines
    and spaces around a cell are ignored. Reading is faster with the extra `data`.
    """

    type = "csv"
    suffixes = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
    examples = (
        {"path": "iris.csv", "target": "species"},
        {"path": "houses.csv", "target": "price", "types": {"postcode": "text"}, "delimiter": ";"},
    )

    path: Path = Field(description="the file")
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="between cells, one character"
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="what parts whole numbers from fractions"
    )
    encoding: str = Field(default="utf-8", description="of the text")
    header: bool = Field(
        default=True, description="whether the first row names the columns; else: column_1, …"
    )
    maximum_bytes: int = Field(
        default=2**32, ge=1, description="a file that is larger, once decompressed, is refused"
    )

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(f'"{name}" is not an encoding known to Python') from None
        return name

    @field_validator("delimiter")
    @classmethod
    def _parts_cells(cls, delimiter: str) -> str:
        if delimiter in '"\r\n\0 ':
            raise ValueError("the delimiter cannot be a quotation mark, a space or a line's end")
        return delimiter

    @classmethod
    def for_file(cls, path: Path, like: Self | None = None) -> DataSource:
        """Return a source for a file, with tabs as the delimiter if its suffix is .tsv."""
        if like is None and path.name.lower().endswith((".tsv", ".tsv.gz")):
            return cls(path=path, delimiter="\t")
        return super().for_file(path, like)

    def with_detected_format(self) -> Self:
        """Return the source with detected encoding, delimiter and decimal sign."""
        found = text_format(self.path)
        source = self.model_copy(update=found)
        if found.get("delimiter", ",") == ",":
            return source
        commas = has_decimal_commas(source.load(np.random.default_rng(0)))
        return source.model_copy(update={"decimal": ","}) if commas else source

    def describe(self) -> DataInfo | None:
        """Read only the header."""
        self._check_names()
        return None

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        self._check_names()
        found = columns = self._read(self.types, self._settled, self._only)
        lost = frozenset(name for name, column in columns.items() if column.lost)
        if lost:
            columns = found | self._read(dict.fromkeys(lost, "text"), {}, lost)
        arrays = {name: column.array() for name, column in columns.items()}
        if not len(next(iter(arrays.values()))):
            raise self._no_rows()
        notes = {name: found[name].note(array, self.decimal) for name, array in arrays.items()}
        table = replace(self.records(arrays), notes={k: v for k, v in notes.items() if v})
        return next(self.labelled([table]))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks, after a first pass if a column's type is not yet known."""
        self._check_names()
        return self.labelled(self._parts(samples))

    def _parts(self, samples: int) -> Iterator[Table]:
        first = 1
        for columns in self._arrays(samples):
            part = self.records(columns)
            yield replace(part, rows=np.arange(first, first + len(part)))
            first += len(part)

    def _arrays(self, rows: int) -> Iterator[dict[str, Array]]:
        """Yield the columns in chunks of up to `rows` rows, with the same types in all."""
        form, settled = self._form(), self._settled
        all_names = read_names(form)
        names = [name for name in all_names if self._only is None or name in self._only]
        unknown = frozenset(names) - self.types.keys() - settled.keys()
        if unknown:
            settled = settled | self._found_types(unknown)
        waiting: dict[str, list[Array]] = {name: [] for name in names}
        count, any_rows = 0, False
        for first_row, block in blocks(form):
            any_rows = True
            for name, cells in zip(all_names, block, strict=True):
                if name not in waiting:
                    continue
                column = TypedColumn(name, self.types.get(name), settled.get(name))
                column.add(cells, first_row)
                waiting[name].append(column.array())
            count += len(block[0])
            while count >= rows:
                yield _cut(waiting, rows)
                count -= rows
        if count:
            yield _cut(waiting, count)
        if not any_rows:
            raise self._no_rows()

    def _found_types(self, only: frozenset[str]) -> dict[str, ColumnType]:
        """Return the types of some columns, from all their cells."""
        types: dict[str, ColumnType] = {}
        for name, column in self._read({}, {}, only, keep=False).items():
            kind = "text" if column.lost else column.type
            types[name] = kind if kind in ("integer", "boolean", "text") else "number"  # type: ignore[assignment]
        return types

    def _read(
        self, declared: Types, settled: Types, only: frozenset[str] | None, keep: bool = True
    ) -> dict[str, TypedColumn]:
        """Return some or all columns, kept or only typed.

        Raises:
            DataError: the file cannot be read, or a cell is not of its column's type.
        """
        form = self._form()
        columns = {
            position: TypedColumn(name, declared.get(name), settled.get(name), keep)
            for position, name in enumerate(read_names(form))
            if only is None or name in only
        }
        for first_row, block in blocks(form):
            for position, column in columns.items():
                column.add(block[position], first_row)
        return {column.name: column for column in columns.values()}

    def _form(self) -> CSVFormat:
        return CSVFormat(
            self.path,
            self.delimiter,
            self.decimal,
            self.encoding,
            self.header,
            self.maximum_bytes,
            frozenset(self.missing),
        )

    def _no_rows(self) -> DataError:
        return DataError(f"{self.path}: has a header, but no rows")

    def _check_names(self) -> None:
        names = read_names(self._form())
        hint = None
        if len(names) == 1 and names[0]:
            other = next((each for each in ";\t|," if each in names[0]), None)
            hint = f"is the delimiter {other!r}?" if other else None
        self.require_columns(names, hint)
        for name in self.types:
            require(names, name, ("types", name), hint)


def read_names(form: CSVFormat) -> list[str]:
    """Return the names of the columns; raise DataError if the file cannot be read."""
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        file.close()
        return file.names


def blocks(form: CSVFormat) -> Iterator[Block]:
    """Yield a file's cells in blocks, by polars if it is installed and reads them identically."""
    done = 0
    if polars_is_there() and form.decimal == ".":
        with opened(form.path, form.most_bytes) as raw:
            plain = PlainBlocks(raw, form, len(read_names(form)))
            yield from plain
            if plain.complete:
                return
            done = plain.rows
    for first_row, block in _rows(form):
        skipped = min(max(done + 1 - first_row, 0), len(block[0]))
        if skipped < len(block[0]):
            cells = [Cells(values[skipped:], form.missing, form.decimal) for values in block]
            yield first_row + skipped, cells


def _rows(form: CSVFormat) -> Iterator[tuple[int, Sequence[Sequence[str]]]]:
    """Yield the cells of a file as text."""
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        try:
            yield from file.blocks()
        finally:
            file.close()


def _cut(waiting: dict[str, list[Array]], rows: int) -> dict[str, Array]:
    """Remove rows from the front of each column and return them."""
    taken = {}
    for name, parts in waiting.items():
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        taken[name] = whole[:rows]
        parts[:] = [whole[rows:]]
    return taken
