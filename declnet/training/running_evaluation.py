"""Evaluates a model on data that comes in parts, and shows its predictions to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from declnet.components.arrays import Array
from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.graph.inference import InferenceGraph
from declnet.graph.model import Model
from declnet.training.evaluation import mean_loss, regularization_loss
from declnet.training.figures import Figures
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
        self._model, self._loss, self._watch = model, loss, watch
        self._figures = Figures(metrics)
        self._penalty = regularization_loss(model)
        capacity = model.samples_at_once
        self._graph = InferenceGraph(model.nodes, model.store, model.dtype, capacity)
        self._losses = np.empty(capacity, model.dtype)

    def add(self, data: ReadyData) -> None:
        """Adds samples, as many as there are."""
        with np.errstate(all="ignore"):
            for start in range(0, len(data), self._graph.capacity):
                part = slice(start, start + self._graph.capacity)
                y_pred = self._graph.predict(data.x[part])
                losses = self._losses[: len(y_pred)]
                self._loss.forward(y_pred, data.y_true[part], losses)
                weights = None if data.weights is None else data.weights[part]
                loss, weight = mean_loss(losses, weights)
                self._figures.add(y_pred, data.y[part], loss, self._penalty, weight)
                if self._watch is not None:
                    self._watch(y_pred, data.y[part])

    def result(self) -> dict[str, float]:
        """`loss`, `data_loss`, `regularization_loss` and each metric, of what was added."""
        return self._figures.result()
