"""Listing the runs in a folder and its subfolders, reading only what a table of runs needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from declnet.contracts.network.directions import Better
from declnet.errors import DeclnetError, OutputError
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import RunFiles
from declnet.runs.storage.folder import reading, unpacked
from declnet.runs.storage.index import Entry, indexed, stamp_of, write_index
from declnet.runs.storage.writing import read_bytes
from declnet.spec.document.document import read_document
from declnet.spec.flatten import flatten
from declnet.spec.shown_values import is_missing
from declnet.stored import parse_json

DEEPEST = 5
"""Maximum depth of nested folders; the folds of seeds of a study's trials are five levels deep."""

LONGEST_LINE = 1 << 20
"""Number of bytes at the end of a history that are searched for its last line."""


MANY = 100
"""Number of runs from which on the index pays."""

NOT_A_RUN = "not a run's folder"


@dataclass(frozen=True)
class ListedRun:
    """A summary of a run.

    Attributes:
        path: the path of its folder, relative to the listed folder.
        epochs: number of epochs trained; up to the last logged one if the run has not finished.
        metrics: metrics of the finished model by data set; empty if the run did not finish.
        better: which values are better for each metric, from the manifest; None if unknown.
        intact: whether its spec and metrics have the checksums in the manifest.
        values: the resolved spec as single values by dotted key.
    """

    path: Path
    status: str
    started: str
    seconds: float | None
    epochs: int
    metrics: dict[str, dict[str, float | None]]
    better: dict[str, Better | None]
    intact: bool
    values: dict[str, Any]


@dataclass(frozen=True)
class Skipped:
    """A folder that does not contain a run, or whose run cannot be read."""

    path: Path
    reason: str


def list_runs(directory: Path, prefix: str = "") -> Iterator[ListedRun | Skipped]:
    """Yield every run in a folder, and every subfolder without a run, sorted by path.

    If there are many runs, those that have not changed since an earlier listing are not read
    again, but taken from an index in the user's cache folder.

    Args:
        directory: the folder, or a pack of a group.
        prefix: precedes the paths, e.g. `runs/`.

    Raises:
        OutputError: the folder does not exist or cannot be read.
    """
    directory = unpacked(directory)
    folders = _folders_in(directory)
    indexes = sum(entry.manifest is not None for entry in folders) >= MANY
    known = indexed(directory) if indexes else {}
    current: dict[str, Entry] = {}
    for entry in folders:
        path = Path(f"{prefix}{entry.name}")
        if entry.manifest is None:
            yield Skipped(path, entry.reason)
            continue
        stamp = stamp_of(f"{directory}/{entry.name}", entry.manifest) if indexes else None
        then = known.get(entry.name)
        if then is not None and then.stamp == stamp:
            current[entry.name] = then
            yield ListedRun(path, *then.facts)
            continue
        run = _read(directory / entry.name, path)
        if stamp is not None and isinstance(run, ListedRun):
            facts = [getattr(run, field.name) for field in fields(run)[1:]]
            current[entry.name] = Entry(stamp, facts)
        yield run
    if current != known:
        write_index(directory, current)


def run_folders(paths: Iterable[str | Path]) -> list[Path]:
    """Return the folders of runs among the given ones and within them, sorted within each.

    Args:
        paths: folders of runs, or folders of such folders, e.g. of seeds, folds or a sweep, or
            packs. One that holds no run is returned too, so that opening it says so.

    Raises:
        OutputError: a folder cannot be read.
    """
    runs: list[Path] = []
    for path in map(unpacked, paths):
        inside: list[Path] = []
        if holds_runs(path):
            inside = [path / entry.name for entry in _folders_in(path) if entry.reason != NOT_A_RUN]
        runs += inside or [path]
    return runs


def holds_runs(path: Path) -> bool:
    """Return whether a folder is not a run's folder; raise OutputError if unreadable."""
    path = unpacked(path)
    with reading(path):
        return path.is_dir() and not (path / folder.MANIFEST).exists()


@dataclass(frozen=True)
class _Folder:
    """A folder with a manifest, or why there is none.

    Attributes:
        name: its path within the listed folder.
        manifest: the status of its manifest; None if there is none.
        reason: why it is skipped; empty if it has a manifest.
    """

    name: str
    manifest: os.stat_result | None = None
    reason: str = ""


def _folders_in(directory: Path) -> list[_Folder]:
    """Return the folders in a folder; raise OutputError as `list_runs` does."""
    try:
        if not directory.is_dir():
            what = "there is no such folder" if is_missing(directory) else "is a file, not a folder"
            raise OutputError(f"{directory}: {what}")
        return list(_within(str(directory), "", 0))
    except OSError as error:
        raise OutputError(f"{error.filename or directory}: {error.strerror}") from None


def _within(root: str, path: str, depth: int) -> Iterator[_Folder]:
    with os.scandir(f"{root}/{path}") as entries:  # strings: paths take a third of the time
        in_order = sorted(entries, key=lambda entry: _natural(entry.name))
    for entry in in_order:
        name = f"{path}/{entry.name}" if path else entry.name
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        try:
            yield from _in_folder(root, name, depth, entry)
        except OSError as error:
            yield _Folder(name, reason=f"cannot be read: {error.strerror}")


def _in_folder(root: str, name: str, depth: int, entry: os.DirEntry[str]) -> Iterator[_Folder]:
    with suppress(FileNotFoundError):
        yield _Folder(name, os.stat(f"{entry.path}/{folder.MANIFEST}"))  # noqa: PTH116
        return
    inside = []
    if depth + 1 < DEEPEST and not entry.is_symlink():
        inside = list(_within(root, name, depth + 1))
    if any(one.manifest for one in inside):
        yield from inside
    else:
        yield from (one for one in inside if one.reason != NOT_A_RUN)
        yield _Folder(name, reason=NOT_A_RUN)


def _natural(name: str) -> str:
    """Return a sort key that orders `run-10` after `run-9`."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name)


def _read(directory: Path, path: Path) -> ListedRun | Skipped:
    """Return a run, read without pydantic, which takes longer to import than a hundred runs."""
    try:
        manifest = parse_json(read_bytes(directory / folder.MANIFEST))
        seconds, better = manifest.get("seconds"), manifest["better"]
        files = RunFiles(directory, manifest.get("files", {}), manifest["status"])
        metrics = directory / folder.METRICS
        return ListedRun(
            path,
            manifest["status"],
            manifest["started"],
            float(seconds) if seconds is not None else None,
            max(_epochs_done(directory / folder.HISTORY), int(manifest.get("epochs", 0))),
            _numbers(parse_json(read_bytes(metrics))) if os.path.lexists(metrics) else {},
            {name: better[name] for name in better},
            _is_intact(files),
            flatten(read_document(directory / folder.SPEC).tables),
        )
    except (DeclnetError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        return Skipped(path, f"damaged: {_located(directory) or error}")


def _numbers(metrics: Any) -> dict[str, dict[str, float | None]]:
    return {
        data: {name: None if value is None else float(value) for name, value in values.items()}
        for data, values in metrics.items()
    }


def _located(directory: Path) -> str:
    """Return what is wrong with a JSON file of a run; empty if that is not found."""
    from declnet.runs.storage.documents import parse_history, read_manifest, read_metrics

    history = directory / folder.HISTORY
    try:
        read_manifest(directory)
        read_metrics(directory)
        with reading(history):
            parse_history(read_bytes(history), history)
    except OutputError as error:
        return str(error).removeprefix(f"{directory}/")
    return ""


def _is_intact(files: RunFiles) -> bool:
    try:
        files.require(folder.SPEC)
        files.read(folder.METRICS)
    except OutputError:
        return False
    return True


def _epochs_done(history: Path) -> int:
    """Return the epoch of the last complete line plus 1, reading only the end of the file."""
    if not history.is_file():
        return 0
    with history.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_LINE))
        lines = file.read().split(b"\n")[:-1]  # drop a last line truncated by a kill
    return int(parse_json(lines[-1])["epoch"]) + 1 if lines else 0
