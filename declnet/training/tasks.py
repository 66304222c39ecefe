"""The kind of predictions for a loss: classes, two classes, flags or values."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified
from declnet.contracts.runs.calibrator import Task


class PredictionTask(NamedTuple):
    """The kind of predictions.

    Attributes:
        task: the task.
        units: the number of values of a prediction.
        scores: whether these are scores rather than probabilities; False for values.
    """

    task: Task
    units: int
    scores: bool = False


def task_of(loss: Loss, output_shape: Shape, dtype: Dtype) -> PredictionTask:
    """Return what the predictions are for an output of the model, which the loss determines."""
    shape = predictions_of(loss, np.zeros((1, *output_shape), dtype)).shape[1:]
    units, scores = prod(shape), not _gives_probabilities(loss)
    if loss.targets == "classes" and len(shape) == 1:
        return PredictionTask("classes", units, scores)
    if loss.targets == "binary":
        return PredictionTask("binary" if units == 1 else "flags", units, scores)
    return PredictionTask("values", units)


def predictions_of(loss: Loss, y_pred: Array) -> Array:
    """Apply `Loss.predictions` to a model's output (n, *output shape).

    Raises:
        BrokenContractError: the result is not a numeric array with n rows.
    """
    with np.errstate(all="ignore"):
        return verified(Loss.predictions, loss, y_pred)


def _gives_probabilities(loss: Loss) -> bool:
    """Return whether predictions are probabilities, judging by the threshold if not declared."""
    if loss.takes is None:
        return loss.targets == "classes" or loss.threshold == Loss.threshold
    return loss.takes in ("distribution", "probabilities", "logits")
