"""The losses of a model over a data set, batch by batch, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array
from declnet.components.loss import Loss
from declnet.graph.inference import InferenceGraph
from declnet.graph.model import Model
from declnet.training.ready_data import ReadyData


@dataclass(frozen=True, eq=False)
class BatchLoss:
    """What a batch gave.

    Attributes:
        y_pred: predictions, which the next batch overwrites.
        y: as the user gave it.
        loss: the mean of its samples' losses, by their weights.
        weight: the sum of the weights; of samples that count alike, how many they are.
    """

    y_pred: Array
    y: Array
    loss: float
    weight: float


class BatchLosses:
    """A model and a loss, ready for any number of samples.

    Args:
        model: as it is when samples come.
        loss: of the run.
        capacity: samples at once.
    """

    def __init__(self, model: Model, loss: Loss, capacity: int) -> None:
        self._loss = loss
        self._graph = InferenceGraph(model.nodes, model.store, model.dtype, capacity)
        self._losses = np.empty(capacity, model.dtype)

    def of(self, data: ReadyData) -> Iterator[BatchLoss]:
        """Each batch, in order; NumPy warns of overflows as its caller has set it."""
        for start in range(0, len(data), self._graph.capacity):
            part = slice(start, start + self._graph.capacity)
            weights = None if data.weights is None else data.weights[part]
            y_pred = self._graph.predict(data.x[part])
            losses = self._losses[: len(y_pred)]
            self._loss.forward(y_pred, data.y_true[part], losses)
            loss, weight = mean_loss(losses, weights)
            yield BatchLoss(y_pred, data.y[part], loss, weight)


def mean_loss(losses: Array, weights: Array | None) -> tuple[float, float]:
    """The mean of samples' losses (n,), by their weights (n,), and the sum of the weights."""
    if weights is None:
        return float(losses.mean()), float(len(losses))
    weight = float(weights.sum())
    return float(losses @ weights) / (weight or 1.0), weight
