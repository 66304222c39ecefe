"""Writing files atomically, so that a kill at any moment leaves the old file or the new one."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file next to `path` that replaces it once the context ends without error.

    Raises:
        OSError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file next to `path`, sync it to disk, rename it and sync the folder.

    Raises:
        OSError: the folder cannot be written to.
    """
    with open_atomically(path) as file:
        file.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically; raise OSError as `write_atomically` does."""
    write_atomically(path, json_document(value))


def json_document(value: Any) -> bytes:
    """Return a value as the content of an indented JSON file."""
    text = json.dumps(_with_nulls(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode()


def append_line(path: Path, value: Any) -> bytes:
    """Append a value as one line of JSON in a single write and return the line; raise OSError."""
    text = json.dumps(_with_nulls(value), ensure_ascii=False, allow_nan=False) + "\n"
    line = text.encode()
    with path.open("ab", buffering=0) as file:
        file.write(line)
    return line


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, if the system supports it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # unsupported by some network drives
        return
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path) -> None:
    """Remove temporary files of killed processes; no other process may be writing."""
    for each in folder.glob(".*"):
        if re.fullmatch(r"\..+\.(json|jsonl|toml|safetensors)\.\d+", each.name):
            each.unlink(missing_ok=True)


def _with_nulls(value: Any) -> Any:
    """Replace NaN and infinite numbers with null, since JSON does not have them."""
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
