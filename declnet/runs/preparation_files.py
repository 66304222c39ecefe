"""A run's preparation in its folder: what other data must go through before the model."""

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
    """Writes a preparation into a run's folder; raises OSError if that fails."""
    written = stored(preparation)
    if written.arrays:
        write_atomically(directory / folder.PREPARATION_ARRAYS, save(written.arrays))
    write_json(directory / folder.PREPARATION, written.document)


def read_preparation(
    directory: str | Path, registry: Registry | None = None
) -> FittedPreparation | None:
    """The preparation of a run's folder; None if the run took its arrays as they were.

    Args:
        directory: the folder.
        registry: where transforms are looked up; default: all installed plugins.

    Raises:
        OutputError: what was written cannot be read, or a transform is not installed any more.
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
