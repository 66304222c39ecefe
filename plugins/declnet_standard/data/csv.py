"""Tables in CSV files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator

from declnet import ColumnType, DataInfo, Dataset, DataSource, Table
from declnet_standard.data.csv_detection import has_decimal_commas, text_format
from declnet_standard.data.csv_format import CSVFormat
from declnet_standard.data.csv_table import read_csv, read_csv_in_chunks, read_names
from declnet_standard.data.table_source import TextTableSource, require


class CSV(TextTableSource):
    """A table in a text file, one row a line, its cells parted by commas; .gz files too.

    The first row names the columns. Cells may be quoted, with quotation marks doubled inside. A
    column holds integers, numbers, booleans (true and false) or text, the first type that fits all
    its cells, unless `types` overrides it. Blank lines and spaces around a cell are ignored.
    Reading is faster with the extra `data`.
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
        columns = read_csv(self._form(), self._declared(), self._settled, self._only)
        return next(self.labelled([self.records(columns)]))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the file in chunks, after a first pass if a column's type is not yet known."""
        self._check_names()
        return self.labelled(self._parts(samples))

    def _parts(self, samples: int) -> Iterator[Table]:
        first, types = 1, (self._declared(), self._settled)
        for columns in read_csv_in_chunks(self._form(), *types, samples, self._only):
            part = self.records(columns)
            yield replace(part, rows=np.arange(first, first + len(part)))
            first += len(part)

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

    def _declared(self) -> dict[str, ColumnType]:
        return dict(self.types)

    def _check_names(self) -> None:
        names = read_names(self._form())
        hint = None
        if len(names) == 1 and names[0]:
            other = next((each for each in ";\t|," if each in names[0]), None)
            hint = f"is the delimiter {other!r}?" if other else None
        self.require_columns(names, hint)
        for name in self.types:
            require(names, name, ("types", name), hint)
