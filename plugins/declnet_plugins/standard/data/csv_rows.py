"""Rows of a CSV file in blocks, read by Python's csv module, with the place in each error."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import BinaryIO, Literal

from pydantic import Field, field_validator

from declnet import SPACES, Cells, DataError
from declnet_plugins.standard.data.text_file import TextFile, encoding_of, opened

CELLS = 1 << 17
"""Approximate number of cells in a block."""


class CSVFormat(TextFile):
    """The format of a file: the fields of a source that say how to read it."""

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

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Open the file to read it in parts, which only limits what is decompressed."""
        packed = self.path.suffix.lower() == ".gz"
        return opened(self.path, self.maximum_bytes if packed else sys.maxsize)


class _QuotedCells:
    """Removal of the spaces that follow quoted cells, which `csv` refuses, line by line.

    Args:
        delimiter: between cells.
    """

    def __init__(self, delimiter: str) -> None:
        mark, spaces = re.escape(delimiter), f"[{SPACES.replace(delimiter, '')}]*"
        content = r'(?:[^"]|"")*("|\Z)'
        start = rf'(?:\A|{mark}){spaces}"'
        end = rf"{spaces}(?={mark}|[\r\n]|\Z)"
        self._cell = re.compile(f"({start}{content}){end}")
        self._rest_or_cell = re.compile(rf"((?:\A|{start}){content}){end}")
        self._is_open = False

    def without_spaces(self, line: str) -> str:
        """Return the next line of the file without spaces between a quoted cell and its end."""
        if '"' not in line:
            return line

        def cell(match: re.Match[str]) -> str:
            self._is_open = not match[2]
            return match[1]

        pattern = self._rest_or_cell if self._is_open else self._cell
        self._is_open = False
        return pattern.sub(cell, line)


def wrong_encoding(form: CSVFormat) -> DataError:
    """Return the error for text that does not match the encoding, with its place."""
    where = ""
    with form.opened() as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(form.encoding)
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                if start < len(line):
                    where = f" line {number} has the byte 0x{line[start]:02x},"
                break
    hint = 'name the encoding of the file, e.g. encoding = "cp1252"'
    return DataError(f"{form.path}:{where} which is not valid {form.encoding}", hint=hint)


def opening_line(form: CSVFormat) -> int | None:
    """Return the number of the line with the last quotation mark that opens a cell, from 1."""
    opening, inside = None, False
    with form.opened() as raw:
        stream = io.TextIOWrapper(raw, encoding_of(raw, form.encoding, form.path), "replace")
        for number, line in enumerate(stream, start=1):
            if line.count('"') % 2:
                inside = not inside
                opening = number if inside else opening
        stream.detach()
    return opening if inside else None


class CSVFile:
    """An open CSV file.

    Attributes:
        names: the columns' names.

    Raises:
        DataError: the file is empty or not text, or its header is invalid.
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
        self.names = form.names_in(first)

    def parts(self, after: int) -> Iterator[dict[str, Cells]]:
        """Yield the needed columns of the rows after those that were read otherwise.

        Raises:
            DataError: a row has more or fewer cells than the header, or the text is invalid.
        """
        size = max(1, CELLS // len(self.names))
        while rows := self._next_rows(size):
            skipped = max(after + 1 - self._row, 0)
            self._row += len(rows)
            if skipped < len(rows):
                columns = zip(self.names, zip(*rows[skipped:], strict=True), strict=True)
                yield {
                    name: Cells(cells, self._form.missing, self._form.decimal)
                    for name, cells in columns
                    if self._form.needs(name)
                }

    def close(self) -> None:
        """Detach from the file."""
        self._stream.detach()

    def _first_row(self) -> list[str]:
        with self._faults():
            for row in self._reader:
                if row:
                    self._check_header(row)
                    return row
        raise DataError(f"{self._form.path}: is empty")

    def _check_header(self, row: list[str]) -> None:
        """Refuse a first line that is for Excel alone."""
        line = self._form.delimiter.join(row)
        if re.fullmatch("sep=.", line, re.IGNORECASE):
            raise DataError(
                f'{self._form.path}: line 1 is "{line}", which only Excel reads',
                hint=f'delete the line, and set delimiter = "{line[-1]}"',
            )

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
        columns = "is 1 column" if len(self.names) == 1 else f"are {len(self.names)} columns"
        hint = f"if a cell contains {self._form.delimiter!r}, put the cell in quotation marks"
        if len(row) < len(self.names):
            hint = "is the file truncated?"
        elif len(self.names) == 1:
            hint = "are there lines above the names of the columns? Delete them"
        elif row[-1] == "" and len(row) == len(self.names) + 1:
            hint = f"does the row end with {self._form.delimiter!r}, unlike the first line?"
        number = self._row + position
        message = f"{self._form.path}: row {number} has {cells}, but there {columns}"
        return DataError(message, hint=hint, row=number)

    def _lines(self) -> Iterator[str]:
        """Yield the lines of the file, without the spaces that follow a quoted cell."""
        quoted = _QuotedCells(self._form.delimiter)
        for line in self._stream:
            if "\0" in line:
                raise DataError(
                    f"{self._form.path}: line {self._reader.line_num + 1} has a NUL byte, so it "
                    "is not text in this encoding",
                    hint='encoding = "utf-16"?',
                )
            yield quoted.without_spaces(line)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn the reader's exceptions into errors with a line number."""
        try:
            yield
        except csv.Error as error:
            text = str(error)
            number, hint = self._reader.line_num, None
            if "unexpected end" in text or "field larger" in text:
                text = "a quotation mark is not closed, or a cell is longer than 131072 characters"
                number = opening_line(self._form) or number
            elif "expected after" in text:
                hint = "quotation marks within a cell are doubled"
            raise DataError(f"{self._form.path}: line {number}: {text}", hint=hint) from None
        except UnicodeError:
            raise wrong_encoding(self._form) from None
