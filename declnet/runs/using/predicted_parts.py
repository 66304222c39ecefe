"""The predictions for a file, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from declnet.components.arrays import Array
from declnet.components.table import Table
from declnet.data.file_source import naming
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictions import Predictions
from declnet.runs.predictor import Predictor
from declnet.runs.using.file_parts import input_parts
from declnet.runs.using.part_size import samples_in_part


def predicted_parts(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Predictions]:
    """Yield the predictions for a file, part by part; memory does not grow with the file.

    Args:
        predictor: of the run.
        path: a table with the columns that the model was trained on, or an array.
        registry: where the data source is looked up.

    Raises:
        DataError: the file cannot be read, or a row cannot be prepared.
    """
    with naming(path):
        for x in _prepared_parts(predictor, path, registry):
            yield predictor.predict_prepared(x)


def _prepared_parts(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Array]:
    first = 1
    for part in input_parts(predictor, path, registry, samples_in_part(predictor)):
        if isinstance(part, Table):
            yield predictor.prepared(part)
        elif predictor.features is not None:
            raise DataError(
                "the model was trained on a table, so its columns are needed by name",
                hint=f"a table with {_some(predictor.features)}",
            )
        else:
            yield predictor.prepared(part, first)
            first += len(part)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:10])
    return f"the column{'s' if len(names) > 1 else ''} {shown}{', …' if len(names) > 10 else ''}"
