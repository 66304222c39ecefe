"""The samples of a file, part by part, read as a run's training data was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import ColumnType
from declnet.components.data_source import Dataset, DataSource
from declnet.components.returned import checked_inputs, checked_load
from declnet.components.table import Table
from declnet.data.file_source import file_source
from declnet.data.target_encoding import TargetEncoding
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.spec.requirements import registry_for


def input_parts(
    predictor: Predictor, path: Path, registry: Registry, samples: int
) -> Iterator[Table | Array]:
    """Yield what a file has to predict from, in parts of up to `samples` samples.

    Args:
        predictor: of the run; the source of its training data says how the file is written.
        path: the file.
        registry: where the data source is looked up.
        samples: of a part.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    source = _source(predictor, path, registry, None)
    for part in source.input_chunks(_no_chance(), samples):
        yield checked_inputs(source, part)


def labeled_parts(
    predictor: Predictor, path: Path, registry: Registry, samples: int
) -> Iterator[Table | Dataset]:
    """Yield a file with its targets; arguments and errors as those of `input_parts`."""
    target = predictor.preparation.target if predictor.preparation is not None else None
    source = _source(predictor, path, registry, target)
    for part in source.chunks(_no_chance(), samples):
        data = checked_load(source, part, "chunks")
        if isinstance(data, Table) and target is not None:
            yield replace(data, target=target.column)
        else:
            yield data


def _source(
    predictor: Predictor, path: Path, registry: Registry, target: TargetEncoding | None
) -> DataSource:
    spec = predictor.spec
    source = file_source(path, registry_for(spec.plugins, registry), spec.data.train)
    source = source.with_target(target.column if target is not None else None)
    if predictor.preparation is None or predictor.preparation.types is None:
        return source
    types = dict(predictor.preparation.types)
    if target is not None:
        types[target.column] = _type_of(target)
    return source.with_types(types).with_columns(types)


def _type_of(target: TargetEncoding) -> ColumnType:
    first = target.classes[0] if target.classes else 0.0
    if isinstance(first, str):
        return "text"
    if isinstance(first, bool):
        return "boolean"
    return "integer" if isinstance(first, int) else "number"


def _no_chance() -> np.random.Generator:
    """A generator, as a source needs one; a file has nothing random."""
    return np.random.Generator(np.random.PCG64(0))
