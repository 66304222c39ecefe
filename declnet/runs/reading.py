"""Reads a run's folder again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet.errors import OutputError
from declnet.runs import folder
from declnet.runs.forms import parse_row, read_metrics, read_object
from declnet.spec.document import read_document


@dataclass(frozen=True)
class StoredRun:
    """A run as its folder tells it.

    Attributes:
        spec: the resolved spec as plain tables.
        manifest: as written.
        history: the logged epochs.
        metrics: of the finished model by data set; empty if the run did not finish.
    """

    directory: Path
    spec: dict[str, Any]
    manifest: dict[str, Any]
    history: list[dict[str, Any]]
    metrics: dict[str, dict[str, float]]


def read_run(directory: str | Path) -> StoredRun:
    """Reads what a run wrote, finished or not.

    Raises:
        OutputError: the folder is missing, or is no run's folder.
    """
    path = Path(directory)
    if not (path / folder.MANIFEST).is_file():
        what = "this is no run's folder" if path.is_dir() else "there is no such folder"
        raise OutputError(f"{path}: {what} (a run's folder has a {folder.MANIFEST})")
    try:
        manifest = read_object(path / folder.MANIFEST)
        metrics = read_metrics(path)
        history = read_history(path / folder.HISTORY)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be read: {error}") from None
    spec = read_document(path / folder.SPEC).tables
    return StoredRun(path, spec, manifest, history, metrics)


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows of a history; a last line that a kill cut off is left out.

    Raises:
        ValueError: a line is no logged epoch.
        OSError: the file cannot be read.
    """
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").split("\n")
    return [parse_row(line) for line in lines[:-1]]
