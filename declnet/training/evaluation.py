"""Evaluation of a model on a data set, batch by batch, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.inputs import samples_of
from declnet.graph.inference import InferenceGraph
from declnet.graph.model import Model
from declnet.spec.heads import Head
from declnet.training.metrics import MetricAccumulator, NamedMetric, Unscale, Watch
from declnet.training.preparation import ReadyData


class BatchLosses:
    """A model and its losses, ready for any number of samples.

    Args:
        model: the model, used in its current state.
    """

    def __init__(self, model: Model, heads: Sequence[Head], capacity: int) -> None:
        self._heads, self._store = heads, model.store
        names = [model.output(head.output).index for head in heads]
        self._taken = [model.output_indices.index(each) for each in names]
        outputs = model.output_indices
        self._graph = InferenceGraph(model.nodes, model.store, model.dtype, capacity, outputs)
        self._losses = np.empty(capacity, model.dtype)

    def add_to(self, metrics: MetricAccumulator, data: ReadyData) -> None:
        """Add a data set to the metrics, batch by batch."""
        penalty = self._store.penalty()
        with np.errstate(all="ignore"):
            for start in range(0, len(data), self._graph.capacity):
                part = slice(start, start + self._graph.capacity)
                weights = None if data.weights is None else data.weights[part]
                outputs = self._graph.predict(samples_of(data.x, part))
                y_preds = [outputs[each] for each in self._taken]
                means, weight = [], 0.0
                for head, y_pred, y_true in zip(self._heads, y_preds, data.y_true, strict=True):
                    losses = self._losses[: len(y_pred)]
                    head.loss.forward(y_pred, y_true[part], losses)
                    mean, weight = mean_loss(losses, weights)
                    means.append(mean)
                metrics.add(y_preds, [each[part] for each in data.y], means, penalty, weight)


def mean_loss(losses: Array, weights: Array | None) -> tuple[float, float]:
    """Return the mean of losses (n,), weighted by weights (n,), and the sum of the weights."""
    if weights is None:
        return float(losses.mean()), float(len(losses))
    weight = float(weights.sum())
    return float(losses @ weights) / (weight or 1.0), weight


class Evaluation:
    """A model's losses and metrics on one data set, computed any number of times.

    Args:
        watches: for each loss, called with each batch's predictions; default: none.
    """

    def __init__(
        self,
        model: Model,
        heads: Sequence[Head],
        data: ReadyData,
        watches: Sequence[Watch] = (),
    ) -> None:
        self._heads, self.data, self._watches = heads, data, watches
        self._batches = BatchLosses(model, heads, min(len(data), model.samples_at_once))

    def evaluate(self, metrics: Sequence[NamedMetric] | None = None) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric of the current model.

        Args:
            metrics: the metrics to compute; default: all.
        """
        accumulator = MetricAccumulator(self._heads, metrics, self._watches, self.data.unscale)
        self._batches.add_to(accumulator, self.data)
        return accumulator.result()


class RunningEvaluation:
    """A model's losses and metrics, accumulated over parts of a data set.

    Args:
        watches: for each loss, called with each batch's predictions; default: none.
        unscale: for each loss with prepared targets, how to invert that.
    """

    def __init__(
        self,
        model: Model,
        heads: Sequence[Head],
        watches: Sequence[Watch],
        unscale: Mapping[int, Unscale],
    ) -> None:
        self._metrics = MetricAccumulator(heads, None, watches, unscale)
        self._batches = BatchLosses(model, heads, model.samples_at_once)

    def add(self, data: ReadyData) -> None:
        """Add any number of samples."""
        self._batches.add_to(self._metrics, data)

    def result(self) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric over all parts."""
        return self._metrics.result()
