"""What one epoch does: a single step on the full batch, or a step on each mini-batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from declnet.components.arrays import Array
from declnet.data.batches import Batches
from declnet.data.gathering import Samples
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.training.figures import Figures
from declnet.training.ready_data import ReadyData

Update = Callable[[int], float]


class NonFiniteLossError(Exception):
    """A step gave a loss that is NaN or infinite; `x` is its batch."""

    def __init__(self, loss: float, x: Array) -> None:
        super().__init__(loss)
        self.loss, self.x = loss, x


class Epoch(Protocol):
    """Runs epochs; `steps` is how many updates each makes."""

    steps: int

    def run(self, update: Update, step: int, figures: Figures | None) -> float:
        """Runs one epoch.

        Args:
            update: applies the optimizer; called with the number of the update, from 1.
            step: updates made so far.
            figures: collects the epoch's figures, or None where nobody looks at them.

        Returns:
            The learning rate of the last update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        ...


class FullBatchEpoch:
    """One step on all samples; the arrays are bound once."""

    steps = 1

    def __init__(self, graph: TrainingGraph, data: ReadyData) -> None:
        self._graph, self._y = graph, data.y
        self._x = Samples(data.x).all()
        self._step = graph.step(self._x, Samples(data.y_true).all())

    def run(self, update: Update, step: int, figures: Figures | None) -> float:
        """As `Epoch.run`."""
        loss = self._step.run()
        _check(loss, self._x)
        if figures is not None:
            _collect(figures, self._graph, self._step, self._y, loss, self._x)
        return update(step + 1)


class MiniBatchEpoch:
    """A step on each batch; the last one may be shorter."""

    def __init__(self, graph: TrainingGraph, data: ReadyData, batches: Batches) -> None:
        self._graph, self._y, self._batches = graph, data.y, batches
        inputs, targets = Samples(data.x), Samples(data.y_true)
        self._bound = {
            size: self._bind(inputs, targets, size)
            for size in {batches.batch_size, batches.last_size}
        }
        self.steps = -(-len(data) // batches.batch_size)

    def run(self, update: Update, step: int, figures: Figures | None) -> float:
        """As `Epoch.run`."""
        rate = 0.0
        for positions in self._batches.epoch():
            x, gather_x, gather_y, bound = self._bound[len(positions)]
            gather_x(positions)
            gather_y(positions)
            loss = bound.run()
            _check(loss, x)
            if figures is not None:
                _collect(figures, self._graph, bound, self._y[positions], loss, x)
            step += 1
            rate = update(step)
        return rate

    def _bind(
        self, inputs: Samples, targets: Samples, size: int
    ) -> tuple[Array, Callable[[Array], object], Callable[[Array], object], Step]:
        x, gather_x = inputs.batch(size)
        y_true, gather_y = targets.batch(size)
        return x, gather_x, gather_y, self._graph.step(x, y_true)


def _check(loss: float, x: Array) -> None:
    if loss - loss != 0.0:  # NaN for NaN and for infinities
        raise NonFiniteLossError(loss, x)


def _collect(
    figures: Figures, graph: TrainingGraph, step: Step, y: Array, loss: float, x: Array
) -> None:
    penalty = graph.penalty()
    _check(loss + penalty, x)
    figures.add(step.y_pred, y, loss, penalty)
