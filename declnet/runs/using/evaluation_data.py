"""The samples of a file with known targets, to try a trained model on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.file_source import naming
from declnet.data.loading import checked
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.runs.using.file_parts import labeled_parts
from declnet.runs.using.part_size import samples_in_part


def file_data(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Dataset]:
    """Yield the samples of a file, part by part, prepared as the run's data was; with targets.

    Args:
        predictor: of the run.
        path: a table with the columns that the model was trained on and the target; or arrays, x
            and y, if the model was trained on arrays.
        registry: where the data source is looked up.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a class that the model does not
            know.
    """
    preparation = predictor.preparation
    with naming(path):
        for part in labeled_parts(predictor, path, registry, samples_in_part(predictor)):
            if isinstance(part, Table) != (predictor.features is not None):
                raise _other_form(predictor.features)
            if preparation is not None:
                yield checked(preparation.apply_to_set(part), str(path))
            elif isinstance(part, Dataset):
                yield checked(part, str(path))


def _other_form(features: tuple[str, ...] | None) -> DataError:
    if features is None:
        message, hint = "the model was trained on arrays", "name a file of arrays, x and y"
    else:
        message, hint = "the model was trained on a table", "name a table with its columns"
    return DataError(message, hint=hint)
