"""Evaluation of a model on a data set, batch by batch, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import Batch, samples_of
from declnet.graph.arrays import BatchArrays
from declnet.graph.inference import InferenceGraph
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.spec.heads import Head
from declnet.training.metrics import MetricAccumulator, NamedMetric, Watch
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import ReadyData, ReadySet

MANY_BATCHES = 500
"""Batches from which on an engine makes the calls: it first tries them, which takes as long as some
dozens of batches (measured: 7 ms for 100 samples, 34 ms for 800), and where a batch takes more than
a millisecond, it saves a tenth of that (RealMLP on 300 samples: 75 ms, for 0.3 of 1.9)."""


RecordBatch = Callable[[Sequence[Array], Sequence[Array]], None]
"""Called with the output that each loss takes and with its losses (n,), which are overwritten."""


class BatchLosses:
    """A model and its losses, ready for any number of samples.

    Args:
        model: the model, used in its current state.
        kernels: their engine, if there is one, makes the calls, with the same results to the bit.
    """

    def __init__(
        self, model: Model, heads: Sequence[Head], capacity: int, kernels: Kernels | None = None
    ) -> None:
        self._heads, self._store = heads, model.store
        self._kernels = None if kernels is None or kernels.engine is None else kernels
        names = [model.output(head.output).index for head in heads]
        self._positions = [model.network.outputs.index(name) for name in names]
        self._graph = InferenceGraph(model.network, model.store, capacity)
        self._losses = [np.empty(capacity, model.dtype) for _ in heads]
        self._compiled: dict[int, _CompiledBatch] = {}
        self._computed = 0

    def add_to(
        self,
        metrics: MetricAccumulator,
        data: ReadyData,
        outputs: Sequence[Array] | None = None,
        record: RecordBatch | None = None,
    ) -> None:
        """Add a data set to the metrics, batch by batch.

        Args:
            metrics: the metrics.
            data: the data set.
            outputs: for each loss, the output that it takes; default: the model's.
            record: called with each batch's outputs and losses.
        """
        penalty = self._store.penalty()
        with one_blas_thread(), np.errstate(all="ignore"):
            for start in range(0, len(data), self._graph.capacity):
                part = slice(start, start + self._graph.capacity)
                weights = None if data.weights is None else data.weights[part]
                y_true = [y[part] for y in data.y_true]
                if outputs is None:
                    y_preds = self._compute(samples_of(data.x, part), y_true)
                else:
                    y_preds = [y_pred[part] for y_pred in outputs]
                    for call in self._loss_calls(y_preds, y_true):
                        call()
                if record is not None:
                    record(y_preds, [losses[: len(y_true[0])] for losses in self._losses])
                means, weight = self.means(len(y_true[0]), weights)
                metrics.add(y_preds, [y[part] for y in data.y], means, penalty, weight)

    def _compute(self, x: Batch, y_true: Sequence[Array]) -> Sequence[Array]:
        """Compute the losses of a batch; return the output that each loss takes."""
        self._computed += 1
        if self._kernels is None or self._computed < MANY_BATCHES:
            y_preds = self._of_heads(self._graph.predict(x))
            calls: Sequence[Call] = self._loss_calls(y_preds, y_true)
        else:
            n = len(y_true[0])
            if n not in self._compiled:
                self._compiled[n] = self._compile(self._kernels, x, y_true)
            memory, calls, y_preds = self._compiled[n]
            for target, source in zip(memory, (*x.values(), *y_true), strict=True):
                np.copyto(target, source)
        for call in calls:
            call()
        return y_preds

    def calls_on(self, x: Batch, y_true: Sequence[Array]) -> tuple[list[Call], BatchArrays]:
        """Return the calls that compute the losses of a batch, and the layers' arrays."""
        calls, batch = self._graph.calls_on(x)
        y_preds = self._of_heads(self._graph.outputs_of(batch))
        return [*calls, *self._loss_calls(y_preds, y_true)], batch

    def means(self, count: int, weights: Array | None) -> tuple[list[float], float]:
        """Return the mean of each loss in the last batch, and the batch's weight.

        Args:
            count: the number of samples in the batch.
            weights: their weights, (count,); None if all are equal.
        """
        pairs = [mean_loss(losses[:count], weights) for losses in self._losses]
        return [mean for mean, _ in pairs], pairs[-1][1]

    def _compile(self, kernels: Kernels, x: Batch, y_true: Sequence[Array]) -> _CompiledBatch:
        """Return the calls on a batch of as many samples in memory of their own."""
        x = {name: np.copy(array) for name, array in x.items()}
        y_true = [targets.copy("K") for targets in y_true]
        calls, batch = self.calls_on(x, y_true)
        y_preds = self._of_heads(self._graph.outputs_of(batch))
        return (*x.values(), *y_true), kernels.compile(calls, exact=True).calls, y_preds

    def _of_heads(self, outputs: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(outputs[position] for position in self._positions)

    def _loss_calls(self, y_preds: Sequence[Array], y_true: Sequence[Array]) -> list[Call]:
        parts = zip(self._heads, y_preds, y_true, self._losses, strict=True)
        return [partial(head.loss.forward, y, t, losses[: len(y)]) for head, y, t, losses in parts]


_CompiledBatch = tuple[tuple[Array, ...], Sequence[Call], tuple[Array, ...]]
"""The memory of a batch's samples and targets, the calls on it, and the outputs losses take."""


def mean_loss(losses: Array, weights: Array | None) -> tuple[float, float]:
    """Return the mean of losses (n,), weighted by weights (n,), and the sum of the weights."""
    if weights is None:
        count = len(losses)  # divided as by `losses.mean()`, in a third of its time
        return float(np.add.reduce(losses) / losses.dtype.type(count)), float(count)
    weight = float(weights.sum())
    return float(losses @ weights) / (weight or 1.0), weight


class Evaluation:
    """A model's losses and metrics on one data set, computed any number of times.

    Args:
        watches: for each loss, called with each batch's predictions; default: none.
        kernels: as for `BatchLosses`.

    Attributes:
        record: called with each batch's outputs and losses; None by default.
    """

    record: RecordBatch | None = None

    def __init__(
        self,
        model: Model,
        heads: Sequence[Head],
        data: ReadySet,
        watches: Sequence[Watch] = (),
        kernels: Kernels | None = None,
    ) -> None:
        self._heads, self.data, self._watches = heads, data, watches
        self._batches = BatchLosses(model, heads, min(len(data), model.samples_at_once), kernels)

    def evaluate(self, metrics: Sequence[NamedMetric] | None = None) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss` and each metric of the current model.

        Args:
            metrics: the metrics to compute; default: all.
        """
        accumulator = MetricAccumulator(self._heads, metrics, self._watches, self.data.unscale)
        for part in self.data.parts():
            self._batches.add_to(accumulator, part, record=self.record)
        return accumulator.result()
