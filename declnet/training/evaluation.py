"""Evaluation of a model on a data set, batch by batch, in constant memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.inputs import samples_of
from declnet.contracts.loss import Loss
from declnet.contracts.metric import Metric
from declnet.graph.inference import InferenceGraph
from declnet.graph.model import Model
from declnet.training.metrics import MetricAccumulator, Watch
from declnet.training.preparation import ReadyData


class BatchLosses:
    """A model and a loss, ready for any number of samples.

    Args:
        model: the model, used in its current state.
    """

    def __init__(self, model: Model, loss: Loss, capacity: int) -> None:
        self._loss, self._store = loss, model.store
        self._graph = InferenceGraph(model.nodes, model.store, model.dtype, capacity)
        self._losses = np.empty(capacity, model.dtype)

    def add_to(self, metrics: MetricAccumulator, data: ReadyData) -> None:
        """Add a data set to the metrics, batch by batch."""
        penalty = self._store.penalty()
        with np.errstate(all="ignore"):
            for start in range(0, len(data), self._graph.capacity):
                part = slice(start, start + self._graph.capacity)
                weights = None if data.weights is None else data.weights[part]
                y_pred = self._graph.predict(samples_of(data.x, part))
                losses = self._losses[: len(y_pred)]
                self._loss.forward(y_pred, data.y_true[part], losses)
                loss, weight = mean_loss(losses, weights)
                metrics.add(y_pred, data.y[part], loss, penalty, weight)


def mean_loss(losses: Array, weights: Array | None) -> tuple[float, float]:
    """Return the mean of losses (n,), weighted by weights (n,), and the sum of the weights."""
    if weights is None:
        return float(losses.mean()), float(len(losses))
    weight = float(weights.sum())
    return float(losses @ weights) / (weight or 1.0), weight


class Evaluation:
    """A model's loss and metrics on one data set, computed any number of times.

    Args:
        watch: called with each batch's predictions.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        metrics: Sequence[Metric],
        data: ReadyData,
        watch: Watch | None = None,
    ) -> None:
        self._loss, self._metrics, self.data, self._watch = loss, metrics, data, watch
        self._batches = BatchLosses(model, loss, min(len(data), model.samples_at_once))

    def evaluate(self, metrics: Sequence[Metric] | None = None) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric of the current model.

        Args:
            metrics: the metrics to compute; default: all.
        """
        chosen = self._metrics if metrics is None else metrics
        accumulator = MetricAccumulator(self._loss, chosen, self._watch)
        self._batches.add_to(accumulator, self.data)
        return accumulator.result()


class RunningEvaluation:
    """A model's loss and metrics, accumulated over parts of a data set.

    Args:
        watch: called with each batch's predictions.
    """

    def __init__(
        self, model: Model, loss: Loss, metrics: Sequence[Metric], watch: Watch | None = None
    ) -> None:
        self._metrics = MetricAccumulator(loss, metrics, watch)
        self._batches = BatchLosses(model, loss, model.samples_at_once)

    def add(self, data: ReadyData) -> None:
        """Add any number of samples."""
        self._batches.add_to(self._metrics, data)

    def result(self) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric over all parts."""
        return self._metrics.result()
