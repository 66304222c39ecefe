"""Tables in CSV files."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator

from declnet import Blocks, Cells, DataError, Dataset, DataSource, Table
from declnet_plugins.standard.data.csv_blocks import CSVBlocks
from declnet_plugins.standard.data.csv_detection import has_decimal_commas, text_format
from declnet_plugins.standard.data.csv_polars import PlainBlocks, kinds_of, polars_is_there
from declnet_plugins.standard.data.csv_rows import CSVFile, CSVFormat
from declnet_plugins.standard.data.text_file import opened
from declnet_plugins.standard.data.text_table import (
    Block,
    TextTable,
    TextTableSource,
    spellings_of,
    types_of,
)


class CSV(TextTableSource):
    """A table in a text file with one row per line and cells separated by commas; .gz files too.

    The first row names the columns. Cells may be quoted, with quotation marks doubled inside. A
    column holds integers, numbers, booleans (true and false) or text, the first type that fits all
    its cells, unless `types` overrides it. Numbers may have thousands separators and a currency or
    percent sign, as in `$1,250.50`; a leading zero, as in `01`, makes a column text. Blank lines
    and spaces around a cell are ignored. Reading is faster with the extra `data`.
    """

    type = "csv"
    other_types = ("pandas", "read_csv")
    other_keys = {
        "file": "path",
        "filename": "path",
        "filepath": "path",
        "sep": "delimiter",
        "label": "target",
        "y": "target",
        "label_column": "target",
        "target_column": "target",
    }
    suffixes = (".csv", ".csv.gz")
    examples = (
        {"path": "iris.csv", "target": "species"},
        {"path": "houses.csv", "target": "price", "types": {"postcode": "text"}, "delimiter": ";"},
    )

    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="the character between cells"
    )
    decimal: Literal[".", ","] = Field(default=".", description="the decimal separator")
    encoding: str = Field(default="utf-8", description="encoding of the file")
    maximum_bytes: int = Field(
        default=2**32,
        ge=1,
        description="size limit in bytes, after decompression, of files that are compressed or "
        "read as a whole",
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
            raise ValueError("the delimiter cannot be a quotation mark, a space or a line break")
        return delimiter

    def with_detected_format(self) -> Self:
        """Return the source with detected encoding, delimiter, missing cells and decimal sign."""
        found = text_format(self.path, self.missing)
        source = self.model_copy(update=found)
        if found.get("delimiter", ",") == ",":
            return source
        commas = has_decimal_commas(source.load(np.random.default_rng(0)))
        return source.model_copy(update={"decimal": ","}) if commas else source

    def preview(self, samples: int, numbers: int) -> Dataset | Table | None:
        """Read the first rows."""
        return super(CSV, self._of_any_size()).preview(samples, numbers)

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks, after a first pass if a column's type is not yet known."""
        return super(CSV, self._of_any_size()).chunks(rng, samples)

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Read rows at their places in the file, which one pass finds with the columns' types."""
        return self._of_any_size()._found_blocks(samples, numbers)

    def _of_any_size(self) -> Self:
        """Return the source without a limit for its file if parts of it can be read alone."""
        packed = self.path.suffix.lower() == ".gz"
        return self if packed else self.model_copy(update={"maximum_bytes": sys.maxsize})

    def _found_blocks(self, samples: int, numbers: int) -> Blocks:
        names = list(self._checked().names)
        own = [name for name in names if self._only is None or name in self._only]
        targets = self.target_columns
        untyped = [name for name in own if name not in self._settled]
        untyped = [name for name in untyped if name not in self.types or name in targets]
        size = Blocks.samples_in_block(samples, numbers, len(names))
        file = CSVBlocks.found(self._form(), names, size, untyped, self.types, targets)
        settled = self._settled | types_of(file.columns)
        spellings = spellings_of(file.columns)
        integers = {name for name in own if {**settled, **self.types}.get(name) == "integer"}

        def read(number: int, columns: Sequence[str] = own) -> Table:
            first, cells = file.cells(number, {**settled, **self.types})
            table = self.records(
                {name: self.typed_cells(name, cells[name], first, settled) for name in columns}
            )
            numbers = np.arange(first, first + len(table))
            return replace(table, rows=numbers, spellings=spellings)

        sizes = {number: place.rows for number, place in enumerate(file.places)}
        targets = self.target_columns
        if targets and self.missing_target == "leave_out":
            sizes = {number: sum(map(len, self._kept(read(number, targets)))) for number in sizes}
        kept = [number for number, size in sizes.items() if size]
        return Blocks(
            tuple(sizes[number] for number in kept),
            lambda number: next(self.labelled([read(kept[number])], integers)),
        )

    def _kept(self, table: Table) -> Iterator[Table]:
        """Yield the rows of a table that have a target, if any has."""
        with suppress(DataError):
            yield from self.labelled([table])

    def _text(self) -> TextTable:
        return CSVText(self._form())

    @property
    def _decimal(self) -> Literal[".", ","]:
        return self.decimal

    def _hint(self, names: Sequence[str]) -> str | None:
        if len(names) != 1 or not names[0]:
            return None
        other = next((each for each in ";\t|,:" if each in names[0]), None)
        if other is None and " " in names[0]:
            return "are the cells separated by spaces? Save the file with commas"
        return f"is the delimiter {other!r}?" if other else None

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


class TSV(CSV):
    """A table in a text file whose cells are parted by tabs; otherwise as `csv`."""

    type = "tsv"
    suffixes = (".tsv", ".tsv.gz")
    examples = (
        {"path": "iris.tsv", "target": "species"},
        {"path": "houses.tsv", "target": "price", "types": {"postcode": "text"}, "decimal": ","},
    )

    delimiter: str = Field(
        default="\t", min_length=1, max_length=1, description="the character between cells"
    )

    @classmethod
    def for_file(cls, path: Path, like: CSV | None = None) -> DataSource:
        """Return the source of a file, with the settings of `like`, but tabs if that is a `csv`."""
        if like is not None and like.type != cls.type:
            like = like.model_copy(update={"delimiter": cls.model_fields["delimiter"].default})
        return super().for_file(path, like)  # type: ignore[arg-type]


class CSVText:
    """The text of a CSV file.

    Args:
        form: the file and its format.
    """

    def __init__(self, form: CSVFormat) -> None:
        self._form = form

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns; raises DataError if the file cannot be read."""
        return _names(self._form)

    def blocks(self, types: Mapping[str, str]) -> Iterator[Block]:
        """Yield the cells in blocks, by polars if it is installed and reads them identically."""
        form, done = self._form, 0
        if polars_is_there() and form.decimal == ".":
            with opened(form.path, form.most_bytes) as raw:
                plain = PlainBlocks(raw, form, len(self.names), kinds_of(self.names, types))
                yield from plain
                if plain.complete:
                    return
                done = plain.rows
        for first_row, block in _rows(form):
            skipped = min(max(done + 1 - first_row, 0), len(block[0]))
            if skipped < len(block[0]):
                cells = [Cells(values[skipped:], form.missing, form.decimal) for values in block]
                yield first_row + skipped, cells


def _names(form: CSVFormat) -> list[str]:
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        file.close()
        return file.names


def _rows(form: CSVFormat) -> Iterator[tuple[int, Sequence[Sequence[str]]]]:
    """Yield the cells of a file as text."""
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        try:
            yield from file.blocks()
        finally:
            file.close()
