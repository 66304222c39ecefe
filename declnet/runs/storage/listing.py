"""Listing the runs in a folder and its subfolders, reading only what a table of runs needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet.errors import DeclnetError, OutputError
from declnet.runs.storage import folder
from declnet.runs.storage.folder import parse_row, read_manifest, read_metrics, reading
from declnet.spec.document import read_document

DEEPEST = 4
"""Maximum depth of nested folders; a sweep's runs are three levels deep."""

LONGEST_LINE = 1 << 20
"""Number of bytes at the end of a history that are searched for its last line."""


NOT_A_RUN = "not a run's folder"


@dataclass(frozen=True)
class ListedRun:
    """A summary of a run.

    Attributes:
        path: the path of its folder, relative to the listed folder.
        epochs: number of epochs trained; up to the last logged one if the run has not finished.
        metrics: metrics of the finished model by data set; empty if the run did not finish.
        spec: the resolved spec as plain tables.
        better: which values are better for each metric, from the manifest; None if not recorded.
    """

    path: Path
    status: str
    started: str
    seconds: float | None
    epochs: int
    metrics: dict[str, dict[str, float | None]]
    spec: dict[str, Any]
    better: Any = None


@dataclass(frozen=True)
class Skipped:
    """A folder that does not contain a run, or whose run cannot be read."""

    path: Path
    reason: str


def list_runs(directory: Path) -> Iterator[ListedRun | Skipped]:
    """Yield every run in a folder, and every subfolder without a run, sorted by path.

    Raises:
        OutputError: the folder does not exist or cannot be read.
    """
    try:
        if not directory.is_dir():
            what = "is a file, not a folder" if directory.exists() else "there is no such folder"
            raise OutputError(f"{directory}: {what}")
        yield from _within(directory, Path(), 0)
    except OSError as error:
        raise OutputError(f"{error.filename or directory}: {error.strerror}") from None


def run_folders(paths: Iterable[str | Path]) -> list[Path]:
    """Return the folders of runs among the given ones and within them, sorted within each.

    Args:
        paths: folders of runs, or folders of such folders, e.g. of seeds, folds or a sweep. One
            that holds no run is returned too, so that opening it says so.

    Raises:
        OutputError: a folder cannot be read.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside: list[Path] = []
        with reading(path):
            holds_runs = path.is_dir() and not (path / folder.MANIFEST).exists()
        if holds_runs:
            listed = list_runs(path)
            inside = [path / each.path for each in listed if not _is_no_run(each)]
        found += inside or [path]
    return found


def _is_no_run(each: ListedRun | Skipped) -> bool:
    return isinstance(each, Skipped) and each.reason == NOT_A_RUN


def _within(root: Path, path: Path, depth: int) -> Iterator[ListedRun | Skipped]:
    for each in sorted((root / path).iterdir(), key=lambda found: _natural(found.name)):
        name = path / each.name
        if each.name.startswith(".") or not each.is_dir():
            continue
        try:
            yield from _in_folder(root, name, depth)
        except OSError as error:
            yield Skipped(name, f"cannot be read: {error.strerror}")


def _in_folder(root: Path, name: Path, depth: int) -> Iterator[ListedRun | Skipped]:
    each = root / name
    if (each / folder.MANIFEST).exists():
        yield _read(root, name)
        return
    found = []
    if depth + 1 < DEEPEST and not each.is_symlink():
        found = list(_within(root, name, depth + 1))
    if any(isinstance(one, ListedRun) for one in found):
        yield from found
    else:
        yield from (one for one in found if not _is_no_run(one))
        yield Skipped(name, NOT_A_RUN)


def _natural(name: str) -> str:
    """Return a sort key that orders `run-10` after `run-9`."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name)


def _read(root: Path, path: Path) -> ListedRun | Skipped:
    directory = root / path
    try:
        manifest = read_manifest(directory)
        spec = read_document(directory / folder.SPEC).tables
        seconds = manifest.get("seconds")
        return ListedRun(
            path,
            str(manifest["status"]),
            str(manifest.get("started", "")),
            float(seconds) if seconds is not None else None,
            max(_epochs_done(directory / folder.HISTORY), int(manifest.get("epochs", 0))),
            read_metrics(directory),
            spec,
            manifest.get("better"),
        )
    except KeyError as error:
        return Skipped(path, f"damaged: {folder.MANIFEST} has no {error}")
    except (DeclnetError, OSError, ValueError, TypeError) as error:
        return Skipped(path, f"damaged: {error}")


def _epochs_done(history: Path) -> int:
    """Return the epoch of the last complete line plus 1, reading only the end of the file."""
    if not history.is_file():
        return 0
    with history.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_LINE))
        lines = file.read().split(b"\n")[:-1]  # drop a last line truncated by a kill
    return int(parse_row(lines[-1])["epoch"]) + 1 if lines else 0
