"""The folder of a run or of many: file names, its JSON files, and claiming and locking it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from declnet.errors import OutputError, RunError
from declnet.registry import recorded
from declnet.runs.storage.writing import (
    is_temporary,
    make_folder,
    read_bytes,
    sync_folder,
    written_name,
)

SPEC = recorded.SPEC
MANIFEST = recorded.MANIFEST
PATIENCE = 1.0
"""Seconds to wait for the lock of a folder."""

HISTORY = "history.jsonl"
METRICS = "metrics.json"
ANALYSES = "analyses.json"
WEIGHTS = "weights.safetensors"
PREPARATION = "preparation.json"
PREPARATION_ARRAYS = "preparation.safetensors"
CALIBRATION = "calibration.json"
CHECKPOINTS = "checkpoints"

GROUP = "group.json"
"""In the folder of a group of runs: its specs and its plan."""

FORMER_GROUPS = ("ensemble.json", "sweep.json", "study.json")
"""The same in earlier versions of declnet."""

SHARD = re.compile(r"shard-\d+-of-\d+\.json")
"""In a folder of one shard of a sweep, of folds or of seeds: the list of the shard's runs."""

TRIALS = "trials"
"""In the folder of a study: a folder for each trial."""

SUMMARY = "summary.json"
"""In the folder of many runs: what came of them."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of reading a file, or of its content, into an OutputError that names `path`."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{path}: cannot be read: {reason}") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of writing into a RunError that names the file, or else `path`."""
    try:
        yield
    except OSError as error:
        file = written_name(Path(error.filename)) if error.filename else path
        raise RunError(f"{file}: cannot be written: {error.strerror}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that contains one JSON object.

    Raises:
        ValueError: the content is anything else; the message starts with the file's name.
        OSError: the file cannot be read.
    """
    try:
        content = parse_json(read_bytes(path))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: not a JSON object")  # noqa: TRY004  # about the file's content
    return content


def parse_json(content: bytes) -> Any:
    """Parse JSON from a run's folder; raise ValueError if it is malformed or nested too deeply.

    Numbers that no run writes, since they do not fit into 64 bits, are malformed.
    """
    try:
        return json.loads(content, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int:
    if len(digits) > 20:  # those of 2**64
        raise ValueError(f"{digits[:20]}… is too large")
    return int(digits)


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read a run's manifest.

    Raises:
        ValueError: it is malformed; the message starts with the file's name.
        OSError: it cannot be read.
    """
    manifest = read_object(directory / MANIFEST)
    if not isinstance(manifest.get("status"), str):
        raise ValueError(f"{MANIFEST}: has no status")  # noqa: TRY004
    for name, types in _TYPES.items():
        _require(manifest, name, types)
    for section in ("data", "baseline"):
        for name in manifest.get(section, {}):
            _require(manifest[section], name, (dict,), f"{section}.")
    for name, baseline in manifest.get("baseline", {}).items():
        where = f"baseline.{name}."
        if baseline.keys() != {"prediction", "metrics"}:
            raise ValueError(f"{MANIFEST}: {where[:-1]} needs a prediction and metrics alone")
        _require(baseline, "metrics", (dict,), where)
        for metric in baseline["metrics"]:
            _require(baseline["metrics"], metric, (int, float, type(None)), f"{where}metrics.")
    return manifest


_TYPES: dict[str, tuple[type, ...]] = {
    "seconds": (int, float),
    "epochs": (int,),
    "data": (dict,),
    "files": (dict,),
    "baseline": (dict,),
    "warnings": (list,),
}
_IN_WORDS = {int: "a number", list: "a list", dict: "a JSON object"}


def _require(table: dict[str, Any], name: str, types: tuple[type, ...], where: str = "") -> None:
    """Raise ValueError if a table of the manifest has a value of another type."""
    if name in table and type(table[name]) not in types:
        raise ValueError(f"{MANIFEST}: {where}{name} is not {_IN_WORDS[types[0]]}")


def read_metrics(directory: Path) -> dict[str, dict[str, Any]]:
    """Return a run's final metrics (numbers or None) by data set and name; empty without the file.

    Raises:
        ValueError: the content is anything else.
        OSError: the file cannot be read.
    """
    path = directory / METRICS
    if not os.path.lexists(path):
        return {}
    content = read_object(path)
    for data, values in content.items():
        if not isinstance(values, dict):
            raise ValueError(f"{path.name}: {data} is not a JSON object")  # noqa: TRY004
        for name, value in values.items():
            if value is not None and type(value) not in (int, float):
                raise ValueError(f"{path.name}: {data}.{name} is not a number")
    return content


def parse_row(line: bytes) -> dict[str, Any]:
    """Parse a line of the history.

    Raises:
        ValueError: it is not a JSON object, or its epoch is not an integer.
    """
    try:
        row = parse_json(line)
    except ValueError as error:
        raise ValueError(f"{HISTORY}: {error}") from None
    if not isinstance(row, dict) or type(row.get("epoch")) is not int:
        raise ValueError(f"{HISTORY}: a line is not a logged epoch")
    return row


def claim_numbered(parent: Path, name: str) -> Path:
    """Create `<parent>/<name>-<number>` with the next free number, safely across processes.

    Raises:
        RunError: the folder cannot be created.
    """
    try:
        make_folder(parent)
        number = 1 + max((_number(each.name, name) for each in parent.iterdir()), default=0)
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
    left = {each.name for each in folder.iterdir() if not is_temporary(each)}
    first = {each for each in left if SHARD.fullmatch(each)}
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
        for each in _written_first(folder):
            (folder / each).unlink(missing_ok=True)
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


def _number(found: str, name: str) -> int:
    match = re.fullmatch(re.escape(name) + r"-(\d{1,9})", found)
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
