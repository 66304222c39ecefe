"""The rows of a table, part by part, read as the training data was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from declnet.components.columns import ColumnType
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.file_source import file_source
from declnet.data.target_encoding import TargetEncoding
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor


def file_parts(
    predictor: Predictor,
    path: Path,
    registry: Registry,
    samples: int,
    target: TargetEncoding | None = None,
) -> Iterator[Table | Dataset]:
    """A file in parts of up to `samples` samples.

    Args:
        predictor: of the run; its training data's source says how the file is written.
        path: the file.
        registry: where the data source is looked up.
        samples: of a part.
        target: the column of the target, if the file must have it.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    column = target.column if target is not None else None
    features = predictor.features or ()
    source = file_source(path, registry, predictor.spec.data.train, features, column)
    if predictor.preparation is not None and predictor.preparation.types is not None:
        types = dict(predictor.preparation.types)
        if target is not None:
            types[target.column] = _type_of(target)
        source = source.with_types(types).with_columns(types)
    rng = np.random.Generator(np.random.PCG64(0))  # a file has nothing random
    yield from source.chunks(rng, samples)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Puts a file's name before errors that name a row or a column of it alone."""
    try:
        yield
    except DataError as error:
        if error.message.startswith(str(path)):
            raise
        raise DataError(
            f"{path}: {error.message}", hint=error.hint, path=error.path, code=error.code
        ) from None


def _type_of(target: TargetEncoding) -> ColumnType:
    first = target.classes[0] if target.classes else 0.0
    if isinstance(first, str):
        return "text"
    if isinstance(first, bool):
        return "boolean"
    return "integer" if isinstance(first, int) else "number"
