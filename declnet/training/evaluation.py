"""Evaluates a model on a data set, in batches of constant memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from declnet.components.arrays import Array
from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.graph.inference import InferenceGraph
from declnet.graph.model import Model
from declnet.training.figures import Figures
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
        capacity = min(len(data), model.samples_at_once)
        self._graph = InferenceGraph(model.nodes, model.store, model.dtype, capacity)
        self._losses = np.empty(capacity, model.dtype)

    def evaluate(self) -> dict[str, float]:
        """`loss`, `data_loss`, `regularization_loss` and each metric, of the model as it is."""
        data, figures = self.data, Figures(self._metrics)
        penalty = regularization_loss(self._model)
        with np.errstate(all="ignore"):
            for start in range(0, len(data), self._graph.capacity):
                part = slice(start, start + self._graph.capacity)
                y_pred = self._graph.predict(data.x[part])
                losses = self._losses[: len(y_pred)]
                self._loss.forward(y_pred, data.y_true[part], losses)
                weights = None if data.weights is None else data.weights[part]
                loss, weight = mean_loss(losses, weights)
                figures.add(y_pred, data.y[part], loss, penalty, weight)
        return figures.result()


def mean_loss(losses: Array, weights: Array | None) -> tuple[float, float]:
    """The mean of samples' losses (n,), by their weights (n,), and the sum of the weights."""
    if weights is None:
        return float(losses.mean()), float(len(losses))
    weight = float(weights.sum())
    return float(losses @ weights) / (weight or 1.0), weight


def regularization_loss(model: Model) -> float:
    """The sum of all penalties of a model's parameters."""
    return float(
        sum(
            slot.parameter.regularizer.penalty(model.store.arrays[slot.key])
            for slot in model.store.slots
            if slot.parameter.regularizer is not None
        )
    )
