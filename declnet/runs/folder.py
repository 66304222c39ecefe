"""A run's folder: claimed once, and where each file is."""

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
    """Makes `<parent>/<name>-<number>` with the next free number; safe against other processes.

    Raises:
        RunError: the folder cannot be made.
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
    """Makes the folder that the user named, or takes it if it is empty.

    Raises:
        OutputError: it exists and is not an empty folder; nothing in it is touched.
        RunError: it cannot be made or written.
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
