"""The samples of a file with known targets, to try a trained model on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from declnet.components.data_source import Dataset
from declnet.data.file_source import file_type
from declnet.data.loading import checked
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.runs.using.part_size import samples_in_part
from declnet.runs.using.table_parts import file_parts, naming


def file_data(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Dataset]:
    """The samples of a file, part by part, prepared as the run's data was; with their targets.

    Args:
        predictor: of the run.
        path: a table with the columns that the model was trained on and the target; or an .npz
            file with x and y.
        registry: where the data source is looked up.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a class that the model does not
            know.
    """
    preparation = predictor.preparation
    target = preparation.target if preparation is not None else None
    table = file_type(path) not in ("npz", "npy")
    if table != (predictor.features is not None):
        raise DataError(
            f"{path}: the model was trained on {'arrays' if table else 'a table'}",
            hint="name an .npz file with x and y" if table else "name a table with its columns",
        )
    with naming(path):
        for part in file_parts(predictor, path, registry, samples_in_part(predictor), target):
            if preparation is not None:
                yield checked(preparation.apply_to_set(part), str(path))
            elif isinstance(part, Dataset):
                yield checked(part, str(path))
            else:
                raise DataError("is a table")
