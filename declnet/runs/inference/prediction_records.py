"""Records of predicted files: what each output was made from, so that a later command skips it.

The record of `FOLDER/a.csv` is `FOLDER/.predictions/a.csv.json`. It is written before its output
gets its name, and says which file that may replace: a kill in between leaves a record whose output
is missing or the former one, and the output is predicted again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from declnet.data.usable_rows import OnError
from declnet.errors import DataError
from declnet.runs.storage.writing import make_folder, read_bytes, write_atomically
from declnet.stored import Stored

RECORDS = ".predictions"
"""The folder of the records within the folder of the outputs."""

State = Literal["absent", "current", "outdated", "foreign"]
"""What an output is: not there, what would be predicted again, the same model's predictions for an
earlier version of the input, or anything else."""


@dataclass(frozen=True)
class FileState:
    """A file's content, as far as its size and time say.

    Attributes:
        size: its bytes; of a folder, of all files in it.
        modified: the time of its last change in nanoseconds; of a folder, the latest in it.
        checksum: its SHA-256, if it was computed.
    """

    size: int
    modified: int
    checksum: str = ""

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file or folder, without a checksum.

        Raises:
            DataError: it cannot be read.
        """
        try:
            files = [path] if not path.is_dir() else [p for p in path.rglob("*") if p.is_file()]
            states = [file.stat() for file in files]
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
        modified = max((state.st_mtime_ns for state in states), default=0)
        return cls(sum(state.st_size for state in states), modified)

    @classmethod
    def of_written(cls, file: BinaryIO) -> FileState:
        """Return the state of a file that has just been written, with its checksum."""
        file.flush()
        os.fsync(file.fileno())
        state = os.fstat(file.fileno())
        return cls(state.st_size, state.st_mtime_ns, _checksum(Path(file.name)))

    def matches(self, path: Path) -> bool:
        """Return whether a file has this content; one that was copied has another time."""
        with suppress(OSError):
            state = path.stat()
            if path.is_file() and state.st_size == self.size:
                return state.st_mtime_ns == self.modified or _checksum(path) == self.checksum
        return False


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class PredictionOptions:
    """The options of predictions that change what an output holds.

    Attributes:
        form: the format of the output.
        identifiers: the columns that are passed through.
        threshold: the output above which the second of two classes is predicted; None for the
            model's.
        spread: whether the spread over several members is written.
        on_error: what a row leads to that cannot be predicted.
    """

    form: str
    identifiers: tuple[str, ...] = ()
    threshold: float | None = None
    spread: bool = False
    on_error: OnError = "fail"


@dataclass(frozen=True)
class PredictionRecord:
    """What an output was made from.

    Attributes:
        model: the fingerprint of the predictor.
        options: the options.
        source: the state of the input before it was read.
        output: the state of the output.
        replaced: that of the file that it replaced, if there was one.
        rows: the number of rows.
        unpredicted: how many of them could not be predicted.
    """

    model: str
    options: PredictionOptions
    source: FileState
    output: FileState
    replaced: FileState | None
    rows: int
    unpredicted: int

    def write(self, output: Path) -> None:
        """Write the record of an output; raise OSError if it cannot be written."""
        path = _record_path(output)
        make_folder(path.parent)
        write_atomically(path, _FILE.write(self))


_FILE = Stored[PredictionRecord](PredictionRecord)


def _record_path(output: Path) -> Path:
    return output.parent / RECORDS / f"{output.name}.json"


def state_of(output: Path, model: str, options: PredictionOptions, input_: Path) -> State:
    """Return what an output is.

    Args:
        output: the output, which need not exist.
        model: the fingerprint of the predictor.
        options: the options.
        input_: the file to predict.

    Raises:
        DataError: the input cannot be read.
    """
    state = FileState.of(input_)
    if not os.path.lexists(output):
        return "absent"
    try:
        record = _FILE.parse(read_bytes(_record_path(output)))
    except (OSError, ValueError):  # there is none, or another program wrote it
        return "foreign"
    if record.output.matches(output):
        if (record.model, record.options) != (model, options):
            return "foreign"
        return "current" if record.source == state else "outdated"
    was_killed = record.replaced is not None and record.replaced.matches(output)
    return "outdated" if was_killed else "foreign"
