"""A run's data and predictions, or why they are missing, shared by the page's sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from declnet import (
    Array,
    DataError,
    DeclnetError,
    Group,
    Predictor,
    SpecError,
    StoredData,
    StoredRun,
    format_cell,
)
from declnet_plugins.report.page.charts import even_positions

SETS = ("test", "validation", "train")
"""Data sets, most informative first; predictions use the first one that a run has."""
MOST_SAMPLES = 50_000
"""Maximum number of samples to predict; a larger set is subsampled evenly."""
MOST_BYTES = 100_000_000
"""Size of these samples."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Samples, with the targets and predictions of one loss.

    Attributes:
        predictor: the model that made the predictions.
        head: the position of the loss among all.
        x: (n, *sample shape), prepared; named inputs by name; None of several models.
        y: (n, …), as metrics take it.
        y_pred: (n, *shape), as metrics take it.
        uncalibrated: the same before any calibration.
        data_name: the name of the data set.
        note: a sentence that names it.
    """

    predictor: Predictor
    head: int
    x: Any
    y: Array
    y_pred: Array
    uncalibrated: Array
    data_name: str
    note: str

    def __len__(self) -> int:
        return len(self.y)

    @property
    def name(self) -> str:
        """The name of the loss; `""` if it is the only one."""
        return self.predictor.heads[self.head].name

    @property
    def reading(self) -> Any:
        """How to interpret the predictions."""
        return self.predictor.readings[self.head]

    @property
    def calibration(self) -> Any:
        """The fitted calibration of the predictions, or None."""
        return self.predictor.calibrations.get(self.name)

    def answers(self, x: Array) -> Array:
        """Return predictions for other prepared samples, (n, *shape)."""
        return self.predictor.member.outputs(x)[self.name]

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of a sample of the only input; None if the inputs have names."""
        if not isinstance(self.x, np.ndarray):
            return None
        return next(iter(self.predictor.model.inputs.values())).shape

    def input_names(self) -> tuple[str, ...]:
        """Return a name for each of one or two inputs, marked if they are prepared."""
        preparation = self.predictor.preparation
        if preparation.feature_names is not None:
            suffix = " (prepared)" if preparation.steps else ""
            return tuple(f"{name}{suffix}" for name in preparation.feature_names)
        single = self.input_shape == (1,)
        return ("input",) if single else ("first input", "second input")


def predictions_of(run: StoredRun | Group) -> list[Predictions]:
    """Return each loss's predictions on the most telling data, or on a subsample of it.

    Raises:
        DeclnetError: the model or the data is missing.
    """
    predictor, name = run.predictor(), run.evaluated_on[0]
    with np.errstate(all="ignore"):
        if isinstance(run, StoredRun):
            total, most = _sizes(seen_data(run)[name])
            drawn = even_positions(total, most) if total > most else None
            predicted = run.predictions(name, drawn)
        else:
            predicted = run.predictions(name)
            total = most = len(_of_loss(predicted.y, predictor.heads[0].name))
    of_folds = predicted.name not in SETS
    where = predicted.name.capitalize() if of_folds else f"On the {predicted.name} data"
    note = f"{where}, {format_cell(total)} samples."
    if total > most:
        note += f" {format_cell(most)} of them are drawn."
    return [
        Predictions(
            predictor,
            number,
            predicted.x,
            _of_loss(predicted.y, head.name),
            _of_loss(predicted.outputs, head.name),
            _of_loss(predicted.uncalibrated, head.name),
            name,
            note,
        )
        for number, head in enumerate(predictor.heads)
    ]


def _of_loss(arrays: Any, name: str) -> Array:
    """Return the array of a loss; the only one has no name."""
    array: Array = arrays[name] if name else arrays
    return array


def _sizes(data: StoredData) -> tuple[int, int]:
    """Return how many samples a data set has, and the most that are drawn."""
    x = data.dataset.x
    arrays = x.values() if isinstance(x, Mapping) else (x,)
    sample = sum(prod(array.shape[1:]) * array.dtype.itemsize for array in arrays)
    return len(data.dataset), max(1, min(MOST_SAMPLES, MOST_BYTES // max(sample, 1)))


def seen_data(run: StoredRun) -> dict[str, StoredData]:
    """Return a run's data sets by name.

    Raises:
        DataError: they can no longer be loaded, or have changed since the run.
    """
    for name, data in run.data_sets.items():
        if not data.unchanged:
            raise DataError(f"the {name} data is not what the run saw: it has another hash")
    return run.data_sets


def reason_of(error: DeclnetError) -> str:
    """Return an error's message as the end of a sentence, for a spec its first diagnostic."""
    first = error.problems[0].message if isinstance(error, SpecError) and error.problems else error
    return str(first).rstrip(".")
