"""Records of finished fits: a JSON object a line, appended whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Key = tuple[str, int, str]


def key_of(record: Record) -> Key:
    """Return the set, the split and the method."""
    return record["set"], record["split"], record["method"]


def read_records(path: Path) -> dict[Key, Record]:
    """Return the last record of each key; empty if the file does not exist.

    A last line that was not written to its end is ignored. Raises ValueError for another line that
    is not a record.
    """
    if not path.exists():
        return {}
    records = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if line.endswith("\n"):
            try:
                record = json.loads(line)
                records[key_of(record)] = record
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path}, line {number}: not a record") from None
    return records


def all_records(path: Path) -> list[Record]:
    """Return all records in order, including repeated keys; empty if the file does not exist."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def append_record(path: Path, record: Record) -> None:
    """Append a record by a single write, after removing a line that was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _cut_to_whole_lines(path)
    line = json.dumps(record).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write a file of these records only; a process that is killed leaves the old file."""
    new = path.with_name(f"{path.name}.new")
    new.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    new.replace(path)


def _cut_to_whole_lines(path: Path) -> None:
    if path.exists():
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)
