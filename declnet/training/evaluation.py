"""Evaluates a model on a data set, in batches of constant memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.components.returned import checked_penalty
from declnet.graph.model import Model
from declnet.training.batch_losses import BatchLosses
from declnet.training.metrics import MetricAccumulator
from declnet.training.ready_data import ReadyData


class Evaluation:
    """A model's loss and metrics on one data set, to be computed any number of times.

    Attributes:
        data: the data set.
    """

    def __init__(
        self, model: Model, loss: Loss, metrics: Sequence[Metric], data: ReadyData
    ) -> None:
        self._model, self._loss, self._metrics, self.data = model, loss, metrics, data
        self._batches = BatchLosses(model, loss, min(len(data), model.samples_at_once))

    def evaluate(self, metrics: Sequence[Metric] | None = None) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric of the model as it is.

        Args:
            metrics: to compute in place of all.
        """
        chosen = self._metrics if metrics is None else metrics
        penalty = regularization_loss(self._model)
        accumulator = MetricAccumulator(self._loss, chosen)
        with np.errstate(all="ignore"):
            for batch in self._batches.of(self.data):
                accumulator.add(batch.y_pred, batch.y, batch.loss, penalty, batch.weight)
        return accumulator.result()


def regularization_loss(model: Model) -> float:
    """The sum of all penalties of a model's parameters."""
    return float(
        sum(
            checked_penalty(regularizer, regularizer.penalty(model.store.arrays[slot.key]))
            for slot in model.store.slots
            if (regularizer := slot.parameter.regularizer) is not None
        )
    )
