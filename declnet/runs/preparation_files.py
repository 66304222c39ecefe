"""Reading and writing the data preparation stored in a run's folder."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from declnet.data.preparation import FittedPreparation
from declnet.data.stored_preparation import restored, stored
from declnet.errors import DataError, OutputError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs import folder
from declnet.runs.writing import write_atomically, write_json


def write_preparation(directory: Path, preparation: FittedPreparation) -> None:
    """Write a preparation to a run's folder; raise OSError on failure."""
    written = stored(preparation)
    if written.arrays:
        write_atomically(directory / folder.PREPARATION_ARRAYS, save(written.arrays))
    write_json(directory / folder.PREPARATION, written.document)


def read_preparation(
    directory: str | Path, registry: Registry | None = None
) -> FittedPreparation | None:
    """Read the preparation from a run's folder; None if the run used its arrays unchanged.

    Args:
        directory: the folder.
        registry: where transforms are looked up; default: all installed plugins.

    Raises:
        OutputError: the stored preparation cannot be read, or a transform is no longer installed.
    """
    path = Path(directory) / folder.PREPARATION
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        file = path.with_name(folder.PREPARATION_ARRAYS)
        arrays = load(file.read_bytes()) if file.exists() else {}
        return restored(document, arrays, registry or default_registry())
    except (OSError, ValueError, SafetensorError, DataError) as error:
        raise OutputError(f"{path}: cannot be read: {error}") from None
