"""The index of runs: what an earlier command read, so that only changed runs are read again.

It is a cache: an entry counts only while the files it was read from have the same times, sizes and
inodes, and every command gives the same output without it. It may be deleted at any time.

An entry whose file changed in the last two seconds is not stored, since another write could leave
the same times. Values that a run shares with an earlier run of the same keys are stored once: most
runs of a sweep differ in five values of fifty.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet import __version__
from declnet.cache import cache_folder, open_private, private_cache_folder
from declnet.runs.storage import folder

FILES = (folder.MANIFEST, folder.METRICS, folder.SPEC, folder.HISTORY)
"""The files of a run that an entry is read from."""

SETTLED = 2_000_000_000
"""Nanoseconds after which another write changes a file's times, on any file system."""

MOST_ENTRIES = 200_000
"""Number of entries above which the index starts over, since deleted runs may have left some."""

FORMAT = 2

_TABLES = (
    "CREATE TABLE IF NOT EXISTS bases (number INTEGER PRIMARY KEY, base TEXT)",
    "CREATE TABLE IF NOT EXISTS runs"
    " (path TEXT PRIMARY KEY, sum INTEGER, base INTEGER, entry TEXT)",
)
"""Of the values of a run, an entry has those that differ from a base, which many runs share."""


@dataclass(frozen=True)
class Entry:
    """The indexed values of a run.

    Attributes:
        stamp: what `stamp_of` returned before the run was read.
        facts: values that JSON can hold.
        values: the same, by keys that many runs share.
    """

    stamp: str
    facts: list[Any]
    values: dict[str, Any]


def index_file() -> Path:
    """Return the file of the index of this version of declnet."""
    return cache_folder() / f"runs-{__version__}-{FORMAT}.sqlite"


def stamp_of(directory: str, manifest: os.stat_result) -> str | None:
    """Return what changes whenever a file of a run does; None if one changed just now.

    Args:
        directory: the run's folder.
        manifest: the status of its manifest.
    """
    times, files = [manifest.st_mtime_ns, manifest.st_ctime_ns], [manifest]
    for name in FILES[1:]:
        try:
            files.append(os.stat(f"{directory}/{name}"))  # noqa: PTH116  # paths are slow
        except FileNotFoundError:
            times.append(0)
        except OSError:  # reading it says why
            return None
        else:
            times += [files[-1].st_mtime_ns, files[-1].st_ctime_ns]
    if max(times) > time.time_ns() - SETTLED:
        return None
    return str([*times, *(part for file in files for part in (file.st_size, file.st_ino))])


def indexed(root: Path) -> dict[str, Entry]:
    """Return the entries of the runs below a folder by path; empty if they cannot be read."""
    try:
        prefix = _prefix(root)
        with _connected() as connection:
            bases = dict(connection.execute("SELECT number, base FROM bases"))
            rows = connection.execute(
                "SELECT path, sum, base, entry FROM runs WHERE path >= ? AND path < ?",
                (prefix, f"{prefix[:-1]}{chr(ord(os.sep) + 1)}"),
            ).fetchall()
        sums = {number: zlib.crc32(base.encode()) for number, base in bases.items()}
        right = [row for row in rows if row[1] == _sum(row[0], sums[row[2]], row[3])]
        values = {number: json.loads(bases[number]) for number in {row[2] for row in right}}
        entries = json.loads(f"[{','.join(row[3] for row in right)}]")
        return {
            path[len(prefix) :]: Entry(stamp, facts, values[number] | different)
            for (path, _, number, _), (stamp, facts, different) in zip(right, entries, strict=True)
        }
    except (sqlite3.Error, OSError, LookupError, ValueError, TypeError, AttributeError):
        return {}


def update_index(root: Path, new: Mapping[str, Entry], gone: Iterable[str]) -> None:
    """Add entries for runs by their paths, and remove all others, if possible.

    Another command may do so at the same time; one that finds the index locked leaves it alone.
    """
    prefix = _prefix(root)
    entries = {prefix + name: entry for name, entry in new.items()}
    removed = [(prefix + name,) for name in gone]
    for _ in range(2):
        try:
            with _connected(create=True) as connection, connection:
                _write(connection, entries, removed)
        except (sqlite3.OperationalError, PermissionError):  # locked, read-only, or no space
            return
        except (sqlite3.Error, OSError, ValueError, TypeError, AttributeError):  # damaged
            with suppress(OSError):
                index_file().unlink(missing_ok=True)
        else:
            return


def _write(
    connection: sqlite3.Connection, entries: Mapping[str, Entry], removed: Iterable[tuple[str]]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)
    (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    if count + len(entries) > MOST_ENTRIES:
        connection.execute("DELETE FROM runs")
        connection.execute("DELETE FROM bases")
    connection.executemany("DELETE FROM runs WHERE path = ?", removed)
    stored = connection.execute("SELECT number, base FROM bases").fetchall()
    bases = {tuple(json.loads(base)): (number, base, json.loads(base)) for number, base in stored}
    for path, entry in entries.items():
        try:
            keys, text = tuple(entry.values), json.dumps(entry.values)
            facts = json.dumps(entry.facts)
            path.encode()
        except (TypeError, ValueError):  # a date, or a name that is not Unicode
            continue
        if keys not in bases:
            number = len(bases) + 1
            connection.execute("INSERT INTO bases VALUES (?, ?)", (number, text))
            bases[keys] = number, text, dict(entry.values)
        number, text, base = bases[keys]
        different = {
            key: value for key, value in entry.values.items() if repr(value) != repr(base[key])
        }
        written = f"[{json.dumps(entry.stamp)}, {facts}, {json.dumps(different)}]"
        row = path, _sum(path, zlib.crc32(text.encode()), written), number, written
        connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", row)


def _prefix(root: Path) -> str:
    return f"{os.path.realpath(root).rstrip(os.sep)}{os.sep}"


@contextmanager
def _connected(*, create: bool = False) -> Iterator[sqlite3.Connection]:
    file = private_cache_folder(create=create) / index_file().name
    with open_private(file, create=create):
        pass  # SQLite opens it again, in a folder that nobody else can change
    with closing(sqlite3.connect(file, timeout=0.2)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # a cache need not survive a power failure
        yield connection


def _sum(path: str, base: int, entry: str) -> int:
    """Return a checksum that detects a damaged entry, from the checksum of its base."""
    return zlib.crc32(f"{path}\n{entry}".encode(), base)
