"""A run's history: a line for each logged epoch, and where in it a checkpoint stands."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

from declnet.runs.writing import append_line, write_atomically


class HistoryFile:
    """The history while the run goes on; knows how long it is and a hash of it."""

    def __init__(self, path: Path) -> None:
        self._path, self._bytes, self._hash = path, 0, hashlib.sha256()

    def append(self, row: dict[str, Any]) -> None:
        """Adds a line; raises OSError if it cannot be written."""
        line = append_line(self._path, row)
        self._bytes += len(line)
        self._hash.update(line)

    def state(self) -> dict[str, Any]:
        """Its length and its hash, once it is on the disk; raises OSError."""
        if self._bytes:
            with self._path.open("rb") as file:
                os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}

    def begins_as(self, state: dict[str, Any]) -> bool:
        """Whether the file begins with what it was when `state` was called; raises OSError."""
        return bool(hashlib.sha256(self._read(state["bytes"])).hexdigest() == state["sha256"])

    def cut(self, length: int) -> list[dict[str, Any]]:
        """Takes away all after some bytes; the rows that are left. Raises OSError."""
        kept = self._read(length)
        if self._path.is_file() and self._path.stat().st_size > length:
            write_atomically(self._path, kept)
        self._bytes, self._hash = len(kept), hashlib.sha256(kept)
        return [_with_nan(json.loads(line)) for line in kept.splitlines()]

    def _read(self, length: int) -> bytes:
        if not length or not self._path.is_file():
            return b""
        with self._path.open("rb") as file:
            return file.read(length)


def _with_nan(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it was told: JSON has null for a figure that was no number."""
    return {name: math.nan if value is None else value for name, value in row.items()}
