"""Tables in CSV files."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field

from declnet import Cells, DataError, DataSource, Table, TableBlock
from declnet_plugins.standard.data.csv_detection import text_format
from declnet_plugins.standard.data.csv_polars import PlainRows, is_utf8, polars_is_there
from declnet_plugins.standard.data.csv_rows import CSVFile, CSVFormat
from declnet_plugins.standard.data.text_file import EXAMPLE, opened

SAMPLED = 10_000
"""Rows whose numbers show the decimal sign."""


class CSV(CSVFormat):
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
        **dict.fromkeys(("file", "filename", "filepath"), "path"),
        **dict.fromkeys(("label", "y", "label_column", "target_column"), "target"),
        "sep": "delimiter",
    }
    suffixes = (".csv", ".csv.gz")
    examples = (
        {"path": "iris.csv", "target": "species"},
        {"path": "houses.csv", "target": "price", "types": {"postcode": "text"}, "delimiter": ";"},
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write a table."""
        path, delimiter = (
            folder / f"flowers{cls.suffixes[0]}",
            cls.model_fields["delimiter"].default,
        )
        rows = [EXAMPLE, *zip(*EXAMPLE.values(), strict=True)]
        lines = (delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows)
        path.write_text("\n".join(lines), "utf-8")
        return {"path": path, "target": "kind"}

    def with_detected_format(self) -> Self:
        """Return the source with detected encoding, delimiter, missing cells and decimal sign."""
        detected = text_format(self.path, self.missing)
        source = self.model_copy(update=detected)
        if detected.get("delimiter", ",") == ",":
            return source
        notes = source.random_rows(np.random.default_rng(0), SAMPLED).table.notes.values()
        commas = any(note.type == "comma_number" for note in notes)
        return source.model_copy(update={"decimal": ","}) if commas else source

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        with opened(self.path, self.maximum_bytes):  # which refuses larger files
            return super().load(rng)

    def column_names(self) -> list[str]:
        """Return the names of the columns, from the first row."""
        with self.opened() as raw, closing(CSVFile(raw, self)) as file:
            return file.names

    def read(self) -> Iterator[dict[str, Cells]]:
        """Yield the rows, by polars if it is installed and reads them identically."""
        names, done = self.column_names(), 0
        self.require_columns(names)
        with self.opened() as raw:
            if polars_is_there():
                plain = PlainRows(raw, self, names)
                yield from (block.content for block in plain.blocks())
                if plain.complete:
                    return
                done = plain.rows
                raw.seek(0)
            with closing(CSVFile(raw, self)) as file:
                yield from file.parts(done)

    def read_blocks(self, rows: int) -> Iterator[TableBlock]:
        """Read the file once, to find where its rows are.

        Raises:
            DataError: the rows cannot be found without decoding the whole file.
        """
        if self.path.suffix.lower() == ".gz" or not is_utf8(self.encoding):
            raise self._unsuited("it is compressed or not UTF-8")
        if not polars_is_there():
            raise DataError('CSV files are streamed with polars: pip install "declnet[data]"')
        with self.opened() as raw:
            plain = PlainRows(raw, self, self.column_names())
            yield from plain.blocks(rows)
            raw.seek(0)
            if plain.complete:
                return
            with closing(CSVFile(raw, self)) as file:
                for _ in file.parts(plain.rows):
                    row = plain.rows + 1
                    raise self._unsuited(f"its cells after row {row} are not plain")

    def _unsuited(self, why: str) -> DataError:
        return DataError(
            f"{self.path}: cannot be read in blocks: {why}",
            hint="store the table as Parquet; or as UTF-8 whose lines end in \\n, with quotation "
            "marks around whole cells only",
        )

    def missing_column_hint(self, names: Sequence[str]) -> str | None:
        """Return which delimiter the file may have, given the names of its columns."""
        if len(names) != 1 or not names[0]:
            return None
        other = next((mark for mark in ";\t|,:" if mark in names[0]), None)
        if other is None and " " in names[0]:
            return "are the cells separated by spaces? Save the file with commas"
        return f"is the delimiter {other!r}?" if other else None


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
