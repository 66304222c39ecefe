"""Tables in CSV files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, PrivateAttr

from declnet import Array, BlockFile, Blocks, Cells, DataError, DataSource, Table, TypedColumn
from declnet_plugins.standard.data.csv_detection import text_format
from declnet_plugins.standard.data.csv_polars import PlainRows, cells_of, is_utf8, polars_is_there
from declnet_plugins.standard.data.csv_rows import CSVFile, CSVFormat
from declnet_plugins.standard.data.table_source import EXAMPLE
from declnet_plugins.standard.data.text_file import opened
from declnet_plugins.standard.data.text_table import (
    Block,
    Columns,
    TextTable,
    integers_of,
    spellings_of,
    types_of,
)


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

    _copies: bool = PrivateAttr(default=True)
    """Whether blocks are kept in a temporary file once they are read."""

    def with_detected_format(self) -> Self:
        """Return the source with detected encoding, delimiter, missing cells and decimal sign."""
        detected = text_format(self.path, self.missing)
        source = self.model_copy(update=detected)
        if detected.get("delimiter", ",") == ",":
            return source
        notes = source.load(np.random.default_rng(0)).notes.values()
        commas = any(note.type == "comma_number" for note in notes)
        return source.model_copy(update={"decimal": ","}) if commas else source

    def load(self, rng: np.random.Generator) -> Table:
        """Read the file; nothing is random."""
        with opened(self.path, self.maximum_bytes):  # which refuses larger files
            return super().load(rng)

    def without_copies(self) -> Self:
        """Return a source that reads each block from its file."""
        other = self.model_copy()
        other._copies = False
        return other

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Read the file once, to find where its rows are and the columns' types."""
        self._checked()
        text = CSVText(self)
        columns = self.typed_columns(text.names, self._settled, self.target_columns)
        blocks: list[Block] = []
        sizes: list[int] = []
        copy: BlockFile | None = None
        size = Blocks.samples_in_block(samples, numbers, len(text.names))
        for block in text.places(columns, size):
            parts = {c.name: c.add(block.cells(at), block.rows) for at, c in columns.items()}
            if self._copies:
                copy = copy or BlockFile(text.rows_like(block))
                copy.keep(len(blocks), _packed(parts.values()))
            sizes.append(int(self.has_targets(parts).sum()))
            blocks.append(replace(block, cells=NotImplemented))
        settled, integers = self._settled | types_of(columns), integers_of(columns)
        spellings = spellings_of(columns)
        if copy is not None:
            copy.discard(range(max(column.lost for column in columns.values())))

        def read(number: int) -> Table:
            block, copied = blocks[number], None if copy is None else copy.read(number)
            if copied is not None:
                parts = list(map(TypedColumn.final, columns.values(), _unpacked(copied)))
            else:
                again = self.typed_columns(text.names, settled)
                cells = text.cells(block, again)
                parts = [column.add(cells(at), block.rows) for at, column in again.items()]
            names = (column.name for column in columns.values())
            table = self.records(dict(zip(names, parts, strict=True)))
            table = replace(table, rows=np.array(block.rows), spellings=spellings)
            return next(self.labelled([table], integers))

        whole = [number for number, size in enumerate(sizes) if size]
        return Blocks(tuple(sizes[at] for at in whole), lambda number: read(whole[number]))

    def _text(self) -> TextTable:
        return CSVText(self)

    def _hint(self, names: Sequence[str]) -> str | None:
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
        with self._form.opened() as raw, closing(CSVFile(raw, self._form)) as file:
            return file.names

    def blocks(self, columns: Columns, most: int | None = None) -> Iterator[Block]:
        """Yield the rows, by polars if it is installed and reads them identically.

        Args:
            columns: as for `TextTable.blocks`.
            most: the most rows in a block that polars reads.
        """
        form, done = self._form, 0
        with form.opened() as raw:
            if polars_is_there():
                plain = PlainRows(raw, form, len(self.names))
                yield from plain.blocks(columns, most)
                if plain.complete:
                    return
                done = plain.rows
                raw.seek(0)
            with closing(CSVFile(raw, form)) as file:
                yield from file.blocks(done)

    def places(self, columns: Columns, most: int) -> Iterator[Block]:
        """Yield the rows in blocks that can be read alone; arguments as for `blocks`.

        Raises:
            DataError: rows cannot be told apart without reading all of the file.
        """
        form = self._form
        if form.path.suffix.lower() == ".gz" or not is_utf8(form.encoding):
            raise self._unsuited("it is compressed or not UTF-8")
        if not polars_is_there():
            raise DataError('CSV files are streamed with polars: pip install "declnet[data]"')
        row = 1
        for block in self.blocks(columns, most):
            if block.place is None:
                raise self._unsuited(f"its cells after row {row} are not plain")
            row = block.rows.stop
            yield block

    def rows_like(self, block: Block) -> int:
        """Return about how many rows the file has if they are as long as those of a block."""
        _, size = block.place or (0, 1)
        return self._form.path.stat().st_size * len(block.rows) // size

    def cells(self, block: Block, columns: Columns) -> Callable[[int], Cells]:
        """Return the cells of a block at its place, by column.

        Raises:
            DataError: the file has changed.
        """
        start, size = block.place or (0, 0)
        with self._form.opened() as file:
            file.seek(start)
            text = file.read(size)
        changed = DataError(f"{self._form.path}: has changed while it was read")
        if len(text) + 1 < size:  # the file may end without a line end
            raise changed
        cells = cells_of(text, self._form, len(self.names), columns)
        if cells is None or len(cells(next(iter(columns)))) != len(block.rows):
            raise changed
        return cells

    def _unsuited(self, why: str) -> DataError:
        return DataError(
            f"{self._form.path}: cannot be read in blocks: {why}",
            hint="store the table as Parquet; or as UTF-8 whose lines end in \\n, with quotation "
            "marks around whole cells only",
        )


def _packed(parts: Iterable[Array]) -> list[Array]:
    """Return columns as arrays of numbers: of text, the numbers of distinct texts, and these."""
    arrays = []
    for part in parts:
        if part.dtype.kind == "O":
            texts = part.tolist()
            distinct = [text for text in dict.fromkeys(texts) if text is not None]
            codes = {text: code for code, text in enumerate(distinct)}
            gap = repeat(len(codes))
            arrays.append(np.fromiter(map(codes.get, texts, gap), np.int32, len(texts)))
            joined = "\0".join([*distinct, ""])  # plain text has no NUL
            arrays.append(np.frombuffer(joined.encode() + b"\0", np.uint8))
        else:
            arrays.append(part)
    return arrays


def _unpacked(arrays: Iterable[Array]) -> list[Array]:
    """Return the columns that `_packed` turned into arrays."""
    parts: list[Array] = []
    for array in arrays:
        if array.dtype == np.uint8:
            texts = np.array(array.tobytes().decode().split("\0")[:-1], object)
            texts[-1] = None
            parts[-1] = texts[parts[-1]]
        else:
            parts.append(array)
    return parts
