"""The folder of a run or of many: file names, reading and writing errors, claiming, locking."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from declnet.errors import OutputError, RunError
from declnet.registry import recorded
from declnet.runs.storage.writing import (
    is_temporary,
    make_folder,
    read_bytes,
    sync_folder,
    written_name,
)
from declnet.stored import Stored

Content = TypeVar("Content")

SPEC = recorded.SPEC
MANIFEST = recorded.MANIFEST
REMEDY = "restore it from a copy of the folder, or train again"
"""What to do about a file that is missing or damaged."""

PATIENCE = 1.0
"""Seconds to wait for the lock of a folder."""

HISTORY = "history.jsonl"
METRICS = "metrics.json"
ANALYSES = "analyses.json"
WEIGHTS = "weights.safetensors"
PREPARATION = "preparation.json"
PREPARATION_ARRAYS = "preparation.safetensors"
CALIBRATION = "calibration.json"
HELD_OUT = "held_out.safetensors"
BEHAVIOR = "behavior.json"
CHECKPOINTS = "checkpoints"

RUN_FILES = (
    *(SPEC, MANIFEST, HISTORY, METRICS, ANALYSES, WEIGHTS),
    *(PREPARATION, PREPARATION_ARRAYS, CALIBRATION, HELD_OUT, BEHAVIOR),
)
"""The files of a run, without its model card and what callbacks write."""

GROUP = "group.json"
"""In the folder of a group of runs: its specs and its plan."""

SHARD = re.compile(r"shard-\d+-of-\d+\.json")
"""In a folder of one shard of a sweep, of folds or of seeds: the list of the shard's runs."""

TRIALS, UNTUNED = "trials", "untuned"
"""In the folder of a study: a folder for each trial, and one for the spec's own values."""

SUMMARY = "summary.json"
"""In the folder of many runs: what came of them."""

PACK_SUFFIX = ".declnet"
"""How the name of a pack ends: one file with what the folder of a run or a group has."""


def unpacked(path: str | Path) -> Path:
    """Return the folder of a run or a group: a pack is unpacked, any other path is unchanged.

    The name of a pack ends in `.declnet`.

    A pack is verified and unpacked into declnet's cache folder once; without one that only this
    user can change, into a temporary folder of this process. Nothing may write to the folder.

    Args:
        path: a folder, or the file that `pack_run` wrote.

    Raises:
        OutputError: the pack is damaged, or has other content than `pack_run` writes.
    """
    path = Path(path)
    with reading(path):
        if path.suffix.lower() != PACK_SUFFIX or not path.is_file():
            return path
    from declnet.runs.storage.pack import unpacked_file  # takes time that folders need not take

    return unpacked_file(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of reading a file, or of its content, into an OutputError that names `path`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise OutputError(f"{path}: cannot be read: {error}; {REMEDY}") from None


def read_json(path: Path, stored: Stored[Content]) -> Content:
    """Return the content of a JSON file; raise OutputError if it cannot be read."""
    with reading(path):
        return stored.parse(read_bytes(path))


def content_of(path: Path) -> bytes | None:
    """Return the content of a file, None without one; raise OutputError if it cannot be read."""
    with reading(path):
        return read_bytes(path) if os.path.lexists(path) else None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of writing into a RunError that names the file, or else `path`."""
    try:
        yield
    except OSError as error:
        file = written_name(Path(error.filename)) if error.filename else path
        raise RunError(f"{file}: cannot be written: {error.strerror}") from None


def claim_numbered(parent: Path, name: str) -> Path:
    """Create `<parent>/<name>-<number>` with the next free number, safely across processes.

    Raises:
        RunError: the folder cannot be created.
    """
    try:
        make_folder(parent)
        number = 1 + max((_number(path.name, name) for path in parent.iterdir()), default=0)
        while True:
            folder = parent / f"{name}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            else:
                sync_folder(parent)
                return folder
    except OSError as error:
        raise _cannot_make(parent, error) from None


def require_unclaimed(folder: Path) -> None:
    """Raise OutputError if `claim` would, because a folder is not empty; change nothing."""
    with suppress(OSError):
        _written_first(folder)


def _written_first(folder: Path) -> set[str]:
    """Return the files that a killed process wrote first; raise OutputError if there are others."""
    left = {path.name for path in folder.iterdir() if not is_temporary(path)}
    first = {name for name in left if SHARD.fullmatch(name)}
    if left - first:
        raise OutputError(f"{folder}: the output folder is not empty; name another with --out")
    return first


def claim(folder: Path) -> Path:
    """Create the folder that the user named, or use it if it is empty.

    What a run killed during its first write left there does not count.

    Raises:
        OutputError: it exists and is not an empty folder; nothing in it is changed.
        RunError: it cannot be created or written to.
    """
    try:
        make_folder(folder)
        for name in _written_first(folder):
            (folder / name).unlink(missing_ok=True)
    except FileExistsError:
        raise OutputError(f"{folder}: the output folder is a file; name another") from None
    except OSError as error:
        raise _cannot_make(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        is_fixed = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        why = "a read-only file system" if is_fixed else "no permission to write there"
        raise RunError(f"{folder}: {why}")
    return folder


@contextmanager
def claimed(out: Path, name: str = "", *, numbered: bool = False) -> Iterator[Path]:
    """Yield a new folder, locked: `out`, new or empty, or `<out>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty, or another process is at work there.
        RunError: the folder cannot be created or written to.
    """
    folder = claim_numbered(out, name) if numbered else claim(out)
    with locked(folder):
        claim(folder)  # another process may have written here since
        yield folder


def _number(folder: str, name: str) -> int:
    match = re.fullmatch(re.escape(name) + r"-(\d{1,9})", folder)
    return int(match.group(1)) if match else 0


def _cannot_make(folder: Path, error: OSError) -> RunError:
    return RunError(f"{error.filename or folder}: cannot create the run's folder: {error.strerror}")


def require_no_links(directory: Path) -> None:
    """Require that a run's folder contains no symbolic links, at any depth.

    A run writes to files in its folder and deletes some, also by plugins, and through a link that
    would be somebody else's file.

    Raises:
        OutputError: it contains one.
    """
    for parent, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                message = "a symbolic link in the folder of a run, which resuming would write to"
                raise OutputError(f"{path}: {message}; replace it with what it points to")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; the system releases it when the process ends or is killed.

    A process that is being killed holds it some milliseconds longer, so this waits up to a second.
    No lock file remains. On systems without such locks, nothing is locked.

    Raises:
        OutputError: another process holds the lock.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # missing on some systems and network drives
            import fcntl

            descriptor = os.open(directory, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            end = monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if monotonic() > end:
                        message = "another process is writing to this run; wait for it or stop it"
                        raise OutputError(f"{directory}: {message}") from None
                    sleep(0.01)
        yield
