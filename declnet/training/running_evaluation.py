"""Evaluates a model on data that comes in parts, and shows its predictions to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from declnet.components.arrays import Array
from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.graph.model import Model
from declnet.training.batch_losses import BatchLosses
from declnet.training.evaluation import regularization_loss
from declnet.training.metrics import MetricAccumulator
from declnet.training.ready_data import ReadyData

Watch = Callable[[Array, Array], None]
"""Called with the predictions of a batch, which will be overwritten, and its y as it was given."""


class RunningEvaluation:
    """A model's loss and metrics over all parts that are added.

    Args:
        model: trained.
        loss: of the run.
        metrics: of the run.
        watch: sees each batch's predictions.
    """

    def __init__(
        self, model: Model, loss: Loss, metrics: Sequence[Metric], watch: Watch | None = None
    ) -> None:
        self._watch, self._metrics = watch, MetricAccumulator(loss, metrics)
        self._penalty = regularization_loss(model)
        self._batches = BatchLosses(model, loss, model.samples_at_once)

    def add(self, data: ReadyData) -> None:
        """Adds samples, as many as there are."""
        with np.errstate(all="ignore"):
            for batch in self._batches.of(data):
                self._metrics.add(batch.y_pred, batch.y, batch.loss, self._penalty, batch.weight)
                if self._watch is not None:
                    self._watch(batch.y_pred, batch.y)

    def result(self) -> dict[str, float]:
        """`loss`, `data_loss`, `regularization_loss` and each metric, of what was added."""
        return self._metrics.result()
