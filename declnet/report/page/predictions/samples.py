"""A model's predictions on a data set, with what its figures need to know of both."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.report.page.numbers import shown_number
from declnet.report.page.statistics.thinning import even_positions
from declnet.runs.predictor import Predictor

MOST_SAMPLES = 50_000
"""Samples that predictions are made for; of more, evenly spread ones are taken."""
MOST_BYTES = 100_000_000
"""Of these samples."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Samples, targets and predictions.

    Attributes:
        predictor: whose predictions they are.
        x: (n, *sample shape), prepared.
        y: (n, …), as metrics take it.
        y_pred: (n, *output shape).
        note: which data set this is, a sentence.
    """

    predictor: Predictor
    x: Array
    y: Array
    y_pred: Array
    note: str

    def input_names(self) -> tuple[str, ...]:
        """A name for each of one or two inputs, which says so if they are prepared."""
        preparation = self.predictor.preparation
        if preparation is not None and preparation.feature_names is not None:
            suffix = " (prepared)" if preparation.steps else ""
            return tuple(f"{name}{suffix}" for name in preparation.feature_names)
        single = self.predictor.model.input_shape == (1,)
        return ("input",) if single else ("first input", "second input")


def predict_on(predictor: Predictor, dataset: Dataset, name: str) -> Predictions:
    """Predicts on a data set, or on evenly spread samples of it.

    Args:
        predictor: of the run.
        dataset: prepared.
        name: of the data set.
    """
    total, note = len(dataset), f"On the {name} data, {shown_number(len(dataset))} samples."
    sample = prod(dataset.x.shape[1:]) * dataset.x.dtype.itemsize
    most = max(1, min(MOST_SAMPLES, MOST_BYTES // max(sample, 1)))
    x, y = dataset.x, dataset.y
    if total > most:
        kept = even_positions(total, most)
        x, y = x[kept], y[kept]  # a file that is mapped gives these alone
        note = f"On {shown_number(most)} of {shown_number(total)} samples of the {name} data."
    x = np.asarray(x)
    return Predictions(predictor, x, y, predictor.model.predict(x), note)
