"""Data with known targets to try a trained model on: the run's own, or a file's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from declnet.components.data_source import Dataset
from declnet.data.file_source import file_type
from declnet.data.fingerprint import fingerprint
from declnet.data.loading import checked
from declnet.data.sets import load_sets, prepare_sets, split_sets
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.runs.reading import StoredRun
from declnet.runs.using.part_size import samples_in_part
from declnet.runs.using.table_parts import file_parts, naming

SETS = ("test", "validation", "train")
"""Of which the first that a run has is taken, if nobody names one."""


@dataclass(frozen=True, eq=False)
class OwnData:
    """A data set of a run, loaded and prepared again.

    Attributes:
        name: `test`, `validation` or `train`.
        dataset: prepared by what the run stored.
        same: whether it is what the run saw, by its hash.
    """

    name: str
    dataset: Dataset
    same: bool

    def parts(self, predictor: Predictor) -> Iterator[Dataset]:
        """The data set as it goes through the model."""
        samples = samples_in_part(predictor)
        for start in range(0, len(self.dataset), samples):
            stop = min(start + samples, len(self.dataset))
            yield self.dataset.take(np.arange(start, stop))


def own_data(predictor: Predictor, run: StoredRun, wanted: str | None) -> OwnData:
    """A data set of the run.

    Args:
        predictor: of the run.
        run: as its folder tells it.
        wanted: which one; None for the first of `SETS` that there is.

    Raises:
        DataError: there is none of that name, or it cannot be loaded any more.
    """
    spec = predictor.spec
    if spec.data.train is None:
        raise DataError(
            "the run's data was handed over by a program, so it cannot be loaded again",
            hint="name a file with --data",
        )
    loaded = load_sets(spec.data, spec.seed)
    sets = split_sets(loaded, spec.data, spec.seed)
    name = wanted or next(each for each in SETS if each in sets)
    if name not in sets:
        raise DataError(f"the run has no {name} data", hint=f"it has {', '.join(sets)}")
    prepared = prepare_sets(
        sets, spec.data, spec.loss.targets, loaded["train"], predictor.preparation
    )
    dataset = prepared.datasets[name]
    seen = run.manifest.get("data", {}).get(name, {}).get("hash")
    return OwnData(name, dataset, fingerprint(dataset) == seen)


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
