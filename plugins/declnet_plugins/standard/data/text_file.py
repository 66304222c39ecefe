"""Text files: opening, plain or gzip, with a size limit; tables of text; the example table."""

import codecs
import gzip
import io
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from pydantic import Field

from declnet import SPACES, DataError, TextTableSource

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks and their encodings, longest first."""


@contextmanager
def opened(path: Path, most_bytes: int) -> Iterator[BinaryIO]:
    """Yield a file to read bytes from, decompressed if its name ends in .gz.

    Args:
        path: the file.
        most_bytes: the limit for the size once decompressed.

    Raises:
        DataError: the file is missing, unreadable or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path}: not a file")
        packed = path.suffix.lower() == ".gz"
        if not packed and status.st_size > most_bytes:
            raise too_large(path, most_bytes)
        with path.open("rb") as file:
            if not packed:
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                limited = _Limited(cast("BinaryIO", unpacked), path, most_bytes)
                yield cast("BinaryIO", io.BufferedReader(limited, 1 << 17))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (gzip.BadGzipFile, EOFError):
        raise DataError(f"{path}: not a valid gzip file, or truncated") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def too_large(path: Path, most_bytes: int) -> DataError:
    """Return the error for a file over the size limit."""
    return DataError(
        f"{path}: is larger than {most_bytes} bytes",
        hint="raise maximum_bytes if this size is intended",
    )


def encoding_of(file: BinaryIO, encoding: str, path: Path) -> str:
    """Return the encoding to read a file with, skipping a byte order mark.

    Raises:
        DataError: the mark is for another encoding.
    """
    start = file.read(4)
    for mark, said in MARKS.items():
        if start.startswith(mark):
            if codecs.lookup(encoding).name.replace("_", "-").split("-")[:2] != said.split("-")[:2]:
                raise DataError(f"{path}: is {said}, not {encoding}", hint=f'encoding = "{said}"')
            file.seek(len(mark) if said == "utf-8" else 0)
            return said
    file.seek(0)
    return encoding


class _Limited(io.RawIOBase):
    """A file that yields no more bytes than allowed."""

    def __init__(self, source: BinaryIO, path: Path, most: int) -> None:
        self._source, self._path, self._most, self._count = source, path, most, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._count = 0
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._source.read(len(view))
        self._count += len(data)
        if self._count > self._most:
            raise too_large(self._path, self._most)
        view[: len(data)] = data
        return len(data)


EXAMPLE: Mapping[str, tuple[Any, ...]] = {
    "length": (1.5, 2.25, 3.0, 4.75, 2.5, 0.5),
    "color": ("red", None, "blue", "red", "blue", "white"),
    "kind": ("rose", "lily", "iris", "rose", "iris", "lily"),
}
"""The table that the example of each kind of file holds, with a missing value."""


class TextFile(TextTableSource):
    """A table of text in a file, whose first row may name the columns."""

    path: Path = Field(description="the file")
    header: bool = Field(
        default=True, description="whether the first row names the columns; else: column_1, …"
    )

    def names_in(self, first_row: Sequence[str]) -> list[str]:
        """Return the columns' names, given the cells of the first row.

        The name of a column that has none is its position, as in `column_1`.

        Raises:
            DataError: two have the same name.
        """
        unnamed = [f"column_{position}" for position in range(1, len(first_row) + 1)]
        if not self.header:
            return unnamed
        names = [
            cell.strip(SPACES) or other for cell, other in zip(first_row, unnamed, strict=True)
        ]
        positions: dict[str, int] = {}
        for position, name in enumerate(names, start=1):
            if name in positions:
                both = f'columns {positions[name]} and {position} are both called "{name}"'
                hint = "rename one of them in the file"
                raise DataError(f"{self.path}: {both}", hint=hint)
            positions[name] = position
        return names
