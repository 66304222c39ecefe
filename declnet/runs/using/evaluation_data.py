"""Data with known targets to try a trained model on: the run's own, or a file's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.file_source import naming
from declnet.data.fingerprint import fingerprint
from declnet.data.loading import checked
from declnet.data.sets import load_sets, prepare_sets, split_sets
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.runs.reading import StoredRun
from declnet.runs.using.file_parts import labeled_parts
from declnet.runs.using.part_size import samples_in_part

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
