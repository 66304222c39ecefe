"""The predictions for a file, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from declnet.components.arrays import Array
from declnet.components.table import Table
from declnet.data.array_files import array_chunks
from declnet.data.file_source import file_type
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictions import Predictions
from declnet.runs.predictor import Predictor
from declnet.runs.using.part_size import samples_in_part
from declnet.runs.using.table_parts import file_parts, naming


def predicted_parts(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Predictions]:
    """The predictions for a file, part by part; memory does not grow with the file.

    Args:
        predictor: of the run.
        path: a table (CSV, Parquet) with the columns that the model was trained on, or an array
            (NumPy).
        registry: where the data source is looked up.

    Raises:
        DataError: the file cannot be read, or a row cannot be prepared.
    """
    with naming(path):
        for x in _prepared_parts(predictor, path, registry):
            yield predictor.predict_prepared(x)


def _prepared_parts(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Array]:
    samples = samples_in_part(predictor)
    if file_type(path) in ("npz", "npy"):
        if predictor.features is not None:
            raise DataError(
                "the model was trained on a table, so its columns are needed by name",
                hint=f"a CSV or Parquet file with {_some(predictor.features)}",
            )
        first = 1
        for x in array_chunks(path, samples):
            yield predictor.prepared(x, first)
            first += len(x)
        return
    for records in file_parts(predictor, path, registry, samples):
        if not isinstance(records, Table):
            raise DataError("is no table")
        yield predictor.prepared(records)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:10])
    return f"the column{'s' if len(names) > 1 else ''} {shown}{', …' if len(names) > 10 else ''}"
