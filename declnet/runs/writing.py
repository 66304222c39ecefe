"""Writes files so that a kill at any moment leaves either the old one or the new one."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a temporary file beside `path`, syncs it to disk, renames it and syncs the folder.

    Raises:
        OSError: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, atomically; raises OSError as `write_atomically` does."""
    text = json.dumps(_with_nulls(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, text.encode())


def append_line(path: Path, value: Any) -> bytes:
    """Appends a value as one line of JSON, in a single write, and returns it; raises OSError."""
    text = json.dumps(_with_nulls(value), ensure_ascii=False, allow_nan=False) + "\n"
    line = text.encode()
    with path.open("ab", buffering=0) as file:
        file.write(line)
    return line


def sync_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, where the system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some network drives cannot
        return
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path) -> None:
    """Removes what processes left that were killed while they wrote; nobody may be writing now."""
    for each in folder.glob(".*"):
        if re.fullmatch(r"\..+\.(json|jsonl|toml|safetensors)\.\d+", each.name):
            each.unlink(missing_ok=True)


def _with_nulls(value: Any) -> Any:
    """The same with null for a figure that is NaN or infinite, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
