"""The evaluation of a model on data that comes in parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.graph.model import Model
from declnet.training.batch_losses import BatchLosses
from declnet.training.evaluation import regularization_loss
from declnet.training.metrics import MetricAccumulator, Watch
from declnet.training.ready_data import ReadyData


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
        self._metrics = MetricAccumulator(loss, metrics, watch)
        self._penalty = regularization_loss(model)
        self._batches = BatchLosses(model, loss, model.samples_at_once)

    def add(self, data: ReadyData) -> None:
        """Add samples, as many as there are."""
        with np.errstate(all="ignore"):
            for batch in self._batches.of(data):
                self._metrics.add(batch.y_pred, batch.y, batch.loss, self._penalty, batch.weight)

    def result(self) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric of what was added."""
        return self._metrics.result()
