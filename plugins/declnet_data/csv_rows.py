"""The rows of a CSV file in blocks, by Python's own reader, each fault named with its row."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from declnet import DataError
from declnet_data.text_file import encoding_of, opened

if TYPE_CHECKING:
    from _csv import Reader

CELLS = 1 << 17
"""How many cells a block has, about."""


@dataclass(frozen=True)
class CSVFormat:
    """How a file is written.

    Attributes:
        path: the file.
        delimiter: between cells.
        encoding: of the text.
        header: whether the first row names the columns.
        most_bytes: more are refused.
        missing: cells that stand for a missing value.
    """

    path: Path
    delimiter: str
    encoding: str
    header: bool
    most_bytes: int
    missing: frozenset[str]


class CSVFile:
    """An open CSV file.

    Attributes:
        names: of the columns.

    Raises:
        DataError: it is empty, is no text, or its header is wrong.
    """

    def __init__(self, file: BinaryIO, form: CSVFormat) -> None:
        self._form = form
        encoding = encoding_of(file, form.encoding, form.path)
        self._stream = io.TextIOWrapper(file, encoding, "strict", newline="")
        self._reader = csv.reader(
            self._lines(), delimiter=form.delimiter, strict=True, skipinitialspace=True
        )
        self._row = 1
        first = self._first_row()
        self._waiting = [] if form.header else [first]
        self.names = header(first, form) if form.header else unnamed(len(first))

    def blocks(self) -> Iterator[tuple[int, list[tuple[str, ...]]]]:
        """The number of a block's first row, from 1, and its cells by column.

        Raises:
            DataError: a row has more or fewer cells than the header, or the text is wrong.
        """
        size = max(1, CELLS // len(self.names))
        while rows := self._next_rows(size):
            yield self._row, list(zip(*rows, strict=True))
            self._row += len(rows)

    def close(self) -> None:
        """Lets go of the file."""
        self._stream.detach()

    def _first_row(self) -> list[str]:
        with self._faults():
            for row in self._reader:
                if row:
                    return row
        raise DataError(f"{self._form.path}: is empty")

    def _next_rows(self, size: int) -> list[list[str]]:
        with self._faults():
            rows = self._waiting + list(islice(self._reader, size))
        self._waiting = []
        while rows and set(map(len, rows)) != {len(self.names)}:
            whole = [row for row in rows if row]  # blank lines
            for position, row in enumerate(whole):
                if len(row) != len(self.names):
                    raise self._ragged(position, row)
            if whole:
                return whole
            with self._faults():
                rows = list(islice(self._reader, size))
        return rows

    def _ragged(self, position: int, row: list[str]) -> DataError:
        cells = f"{len(row)} cell{'s' if len(row) != 1 else ''}"
        hint = (
            f"is the delimiter {self._form.delimiter!r} within a cell? Put that in quotation marks"
        )
        if len(row) < len(self.names):
            hint = "is it cut off?"
        return DataError(
            f"{self._form.path}: row {self._row + position} has {cells}, but there are "
            f"{len(self.names)} columns",
            hint=hint,
        )

    def _lines(self) -> Iterator[str]:
        for line in self._stream:
            if "\0" in line:
                raise DataError(
                    f"{self._form.path}: line {self._reader.line_num + 1} has a NUL byte, so it is "
                    "no text in this encoding",
                    hint='encoding = "utf-16"?',
                )
            yield line

    def _faults(self) -> "_Faults":
        return _Faults(self._form, self._reader)


class _Faults:
    """Turns what the reader raises into errors that name the line."""

    def __init__(self, form: CSVFormat, reader: "Reader") -> None:
        self._form, self._reader = form, reader

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        line = f"{self._form.path}: line {self._reader.line_num}"
        if isinstance(error, csv.Error):
            text = str(error)
            if "unexpected end" in text or "field larger" in text:
                text = "a quotation mark is not closed, or a cell is longer than 131072 characters"
            raise DataError(f"{line}: {text}") from None
        if isinstance(error, UnicodeError):
            raise wrong_encoding(self._form) from None


def wrong_encoding(form: CSVFormat) -> DataError:
    """Says where a file is not text of its encoding."""
    where = ""
    with opened(form.path, form.most_bytes) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(form.encoding)
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                where = (
                    f" line {number} has the byte 0x{line[start]:02x}," if start < len(line) else ""
                )
                break
    hint = 'name the encoding of the file, e.g. encoding = "cp1252"'
    return DataError(f"{form.path}:{where} which is no {form.encoding}", hint=hint)


def header(cells: list[str], form: CSVFormat) -> list[str]:
    """The columns' names; one without a name is called by its position, `column_1`.

    Raises:
        DataError: two have the same name.
    """
    names = [
        cell.strip(" \t") or other for cell, other in zip(cells, unnamed(len(cells)), strict=True)
    ]
    positions: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in positions:
            raise DataError(
                f'{form.path}: columns {positions[name]} and {position} are both called "{name}"',
                hint="rename one of them in the file",
            )
        positions[name] = position
    return names


def unnamed(count: int) -> list[str]:
    """Names for columns without any."""
    return [f"column_{position}" for position in range(1, count + 1)]
