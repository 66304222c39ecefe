"""A CSV file in the run's folder that a resumed run continues."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Any, Self

from pydantic import Field, field_validator

from declnet import Callback, Diagnostic, RunContext

OWN = ("spec.", "manifest.", "history.jsonl", "metrics.", "weights.", "preparation.", "checkpoints")
"""Prefixes of the names of files that the run itself writes."""


class TableCallback(Callback):
    """A callback that writes a table to a file of the run's folder."""

    path: str = Field(description="a file's name, in the run's folder")

    @field_validator("path")
    @classmethod
    def _in_the_folder(cls, path: str) -> str:
        if not path or PurePath(path).name != path or "\\" in path or path.startswith((".", *OWN)):
            raise ValueError("must be a file name that the run itself does not use")
        return path

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Report a file that a callback before this one writes."""
        for other in takewhile(lambda callback: callback is not self, context.callbacks):
            if isinstance(other, TableCallback) and other.path == self.path:
                message = f'{other.type} already writes the file "{self.path}"'
                yield Diagnostic(message, "set another path", ("path",), "E060")


class TableFile:
    """A CSV file, written in whole lines.

    Attributes:
        columns: the columns' names, the first line of the file; empty before the first row.

    Args:
        file: the file; None writes nothing.
        size: its size in bytes.
    """

    def __init__(self, file: Path | None, columns: Sequence[str] = (), size: int = 0) -> None:
        self._file, self.columns, self._size = file, list(columns), size

    @classmethod
    def created(cls, folder: Path | None, name: str) -> Self:
        """Return a new, empty file in a run's folder; nothing is written without a folder."""
        file = folder / name if folder is not None else None
        if file is not None:
            file.write_bytes(b"")
        return cls(file)

    @classmethod
    def restored(cls, folder: Path | None, name: str, saved: dict[str, Any]) -> Self:
        """Return a file truncated to its length at a checkpoint.

        Raises:
            ValueError: it is shorter than it was then.
        """
        file, size = folder / name if folder is not None else None, int(saved["size"])
        if file is not None:
            if not file.is_file() or file.stat().st_size < size:
                raise ValueError(f"{file} is shorter than it was at the checkpoint")
            os.truncate(file, size)
        return cls(file, saved["columns"], size)

    def saved(self) -> dict[str, Any]:
        """Flush the file to disk and return what `restored` needs."""
        if self._file is not None:
            with self._file.open("rb") as table:
                os.fsync(table.fileno())
        return {"columns": self.columns, "size": self._size}

    def begin(self, columns: Iterable[str]) -> None:
        """Write the line with the columns' names."""
        self.columns = list(columns)
        self.append(csv_line(self.columns))

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row; the first decides the columns."""
        if not self.columns:
            self.begin(row)
        self.append(csv_line(row.get(name, "") for name in self.columns))

    def append(self, lines: str) -> None:
        """Append whole lines."""
        content = lines.encode()
        self._size += len(content)
        if self._file is not None:
            with self._file.open("ab") as table:  # buffered: an unbuffered write may be a short one
                table.write(content)


def csv_line(cells: Iterable[Any]) -> str:
    """Return cells as a line of a CSV file, quoted where necessary."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
