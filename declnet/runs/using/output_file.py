"""A file of predictions: in which form, and written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from declnet.errors import OutputError
from declnet.runs.predictions import Predictions
from declnet.runs.using.csv_file import write_csv
from declnet.runs.using.json_lines import write_json_lines
from declnet.runs.using.npy_file import write_npy
from declnet.runs.using.parquet_file import write_parquet
from declnet.runs.using.polars_frame import has_polars
from declnet.runs.writing import sync_folder

Write = Callable[[Iterable[Predictions], BinaryIO], int]

FORMS: dict[str, Write] = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "npy": write_npy,
    "parquet": write_parquet,
}
"""How each form is written."""

FOR_STREAMS = ("csv", "jsonl")
"""The forms that can be written to what cannot go back, e.g. a pipe."""


def form_of(path: Path | None, named: str | None) -> str:
    """The form of an output.

    Args:
        path: the file; None for standard output.
        named: the form, if the user named one.

    Raises:
        OutputError: it cannot be known, cannot be written there, or needs what is not installed.
    """
    form = named or ("csv" if path is None else path.suffix.lower().removeprefix("."))
    if form not in FORMS:
        raise OutputError(f"{path}: in which form? Its name ends in none of .{', .'.join(FORMS)}")
    if path is None and form not in FOR_STREAMS:
        raise OutputError(f"{form} cannot be written to standard output; name a file with -o")
    if form == "parquet" and not has_polars():
        raise OutputError("parquet needs polars: pip install 'declnet[data]'")
    return form


@contextmanager
def whole_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """A file that is there once it is whole; after an error nothing of it is left.

    Args:
        path: the file.
        force: whether it may be there already, and is replaced.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    require_free(path, force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        require_free(path, force)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def require_free(path: Path, force: bool) -> None:
    """Raises OutputError if there is such a file, unless forced, or a folder."""
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.exists() and not force:
        raise OutputError(f"{path}: it exists already; nothing was written (--force overwrites it)")
