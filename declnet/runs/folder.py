"""A run's folder: file names, and claiming the folder for a run."""

from __future__ import annotations

import os
import re
from pathlib import Path

from declnet.errors import OutputError, RunError

SPEC = "spec.toml"
MANIFEST = "manifest.json"
HISTORY = "history.jsonl"
METRICS = "metrics.json"
WEIGHTS = "weights.safetensors"
PREPARATION = "preparation.json"
PREPARATION_ARRAYS = "preparation.safetensors"
CHECKPOINTS = "checkpoints"


def claim_numbered(parent: Path, name: str) -> Path:
    """Create `<parent>/<name>-<number>` with the next free number, safely across processes.

    Raises:
        RunError: the folder cannot be created.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(each.name, name) for each in parent.iterdir()), default=0)
        while True:
            folder = parent / f"{name}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            else:
                return folder
    except OSError as error:
        raise _cannot_make(parent, error) from None


def claim(folder: Path) -> Path:
    """Create the folder that the user named, or use it if it is empty.

    Raises:
        OutputError: it exists and is not an empty folder; nothing in it is changed.
        RunError: it cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"{folder}: the output folder is not empty; name another with --out")
    except FileExistsError:
        raise OutputError(f"{folder}: the output folder is a file; name another") from None
    except OSError as error:
        raise _cannot_make(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"{folder}: no permission to write there")
    return folder


def _number(found: str, name: str) -> int:
    match = re.fullmatch(re.escape(name) + r"-(\d{1,9})", found)
    return int(match.group(1)) if match else 0


def _cannot_make(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{error.filename or folder}: the run's folder cannot be made: {error.strerror}"
    )
