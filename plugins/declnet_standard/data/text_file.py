"""Opens a text file, plain or gzip, with a limit to its size."""

import codecs
import gzip
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from declnet import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file may begin with to say its encoding; the longer ones first."""


@contextmanager
def opened(path: Path, most_bytes: int) -> Iterator[BinaryIO]:
    """A file to read bytes from; of a name that ends in .gz, what is compressed in it.

    Args:
        path: the file.
        most_bytes: more, once decompressed, are refused.

    Raises:
        DataError: the file is not there, cannot be read, or is larger.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path}: is no file")
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
        raise DataError(f"{path}: is no gzip file, or is cut off") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def too_large(path: Path, most_bytes: int) -> DataError:
    """The error of a file that is larger than allowed."""
    return DataError(
        f"{path}: is larger than {most_bytes} bytes", hint="raise maximum_bytes if it should be"
    )


def encoding_of(file: BinaryIO, encoding: str, path: Path) -> str:
    """The encoding to read a file with; skips a mark at its start that says it.

    Raises:
        DataError: the mark says another one.
    """
    start = file.read(4)
    for mark, said in _MARKS.items():
        if start.startswith(mark):
            if codecs.lookup(encoding).name.replace("_", "-").split("-")[:2] != said.split("-")[:2]:
                raise DataError(f"{path}: is {said}, not {encoding}", hint=f'encoding = "{said}"')
            file.seek(len(mark) if said == "utf-8" else 0)
            return said
    file.seek(0)
    return encoding


class _Limited(io.RawIOBase):
    """Gives as many bytes as are allowed."""

    def __init__(self, source: BinaryIO, path: Path, most: int) -> None:
        self._source, self._path, self._most, self._given = source, path, most, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._given = 0
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._source.read(len(view))
        self._given += len(data)
        if self._given > self._most:
            raise too_large(self._path, self._most)
        view[: len(data)] = data
        return len(data)
