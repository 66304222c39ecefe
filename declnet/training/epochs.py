"""Epochs: a step on the full batch, on each mini-batch, or on each group of mini-batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import Engine
from declnet.contracts.network.inputs import for_each
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import Batch, BatchOrder, GatherAll, Gathered, Samples
from declnet.graph.gradients import GradientMean
from declnet.graph.observation import ObservedStep
from declnet.graph.training_graph import Step, Targets, TrainingGraph
from declnet.graph.update import Updates
from declnet.training.compiled_steps import CompiledSteps, NonFiniteLossError
from declnet.training.metrics import MetricAccumulator
from declnet.training.preparation import ReadyData

Update = Callable[[int], float]

StepArrays = tuple[Batch, Targets, Array | None]
"""A batch's inputs, prepared targets and sample weights."""


class FullBatchEpoch:
    """Epochs of one step on all samples; the arrays are bound once."""

    steps = updates = 1

    def __init__(self, graph: TrainingGraph, data: ReadyData) -> None:
        self._graph, self._y = graph, data.y
        self._x: Batch = for_each(lambda x: Samples(x[:]).all(), data.x)
        targets = tuple(Samples(each).all() for each in data.y_true)
        self._arrays = (self._x, targets, data.weights)
        self._step = graph.step(*self._arrays)
        self._observed: ObservedStep | None = None
        self._compiled: CompiledSteps | None = None
        self._attached: Updates | None = None

    def attach(self, update: Updates, engine: Engine, threads: int | None) -> None:
        """As `MiniBatchEpoch.attach`."""
        order = np.zeros(0, np.int64)
        own = self._graph, self._step, self._x, update, (), order, threads
        self._compiled = CompiledSteps.of(engine, *own)
        self._attached = update if self._compiled is not None else None

    @property
    def is_compiled(self) -> bool:
        """As `MiniBatchEpoch.is_compiled`."""
        return self._attached is not None

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """As `MiniBatchEpoch.run_epochs`."""
        if self._compiled is not None and update is self._attached:
            self._compiled.run(step, np.zeros(epochs, np.int64))
            return
        _run_one_by_one(self, update, step, epochs)

    def run(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        first: int = 0,  # noqa: ARG002  # the only step there is
        stop: int | None = None,  # noqa: ARG002
    ) -> float:
        """As `MiniBatchEpoch.run`."""
        self._graph.schedules.begin(step + 1)
        _collect(metrics, self._graph, self._step, self._y, self._step.run(), self._x)
        return update(step + 1)

    def run_observed(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        batch: int,  # noqa: ARG002  # the only one
        observer: StepObserver,
        epoch: int,
    ) -> float:
        """As `MiniBatchEpoch.run_observed`."""
        if self._observed is None:
            self._observed = self._graph.observed_step(*self._arrays)
        loss = self._observed.run(observer, epoch, step + 1)
        _collect(metrics, self._graph, self._step, self._y, loss, self._x)
        rate = update(step + 1)
        self._observed.updated(observer, rate)
        return rate

    def updates_in(self, first: int, stop: int) -> int:
        """As `MiniBatchEpoch.updates_in`."""
        return stop - first

    def after(self, first: int, updates: int) -> int:
        """As `MiniBatchEpoch.after`."""
        return first + updates

    def gathered(self, batch: int) -> tuple[Array, StepArrays]:  # noqa: ARG002  # the only one
        """As `MiniBatchEpoch.gathered`."""
        return np.arange(len(self._y[0])), self._arrays

    def first_inputs(self, count: int) -> Batch:  # noqa: ARG002  # it has all
        """As `MiniBatchEpoch.first_inputs`."""
        return self._x

    def order(self) -> dict[str, Any]:
        """Return an empty state: nothing is shuffled."""
        return {}

    def restore_order(self, state: Mapping[str, Any]) -> None:
        """Restore nothing; raise ValueError if the saved run shuffled."""
        if state:
            raise ValueError("there were mini-batches, now each step takes all samples")


class MiniBatchEpoch:
    """Epochs of one step per batch; the last batch may be smaller.

    Attributes:
        steps: the number of batches in an epoch.
        updates: the number of updates in an epoch.
    """

    def __init__(
        self,
        graph: TrainingGraph,
        inputs: Gathered,
        data: ReadyData,
        batches: BatchOrder,
    ) -> None:
        self._graph, self._y, self._batches = graph, data.y, batches
        self._inputs = inputs
        targets = [Samples(each) for each in data.y_true]
        weights = Samples(data.weights) if data.weights is not None else None
        self._bound = {
            size: self._bind(inputs, targets, weights, size)
            for size in {batches.batch_size, batches.last_size}
        }
        self._observed: dict[int, ObservedStep] = {}
        self._compiled: dict[int, CompiledSteps] = {}
        self._attached: Updates | None = None
        self.steps = self.updates = batches.count

    def attach(self, update: Updates, engine: Engine, threads: int | None) -> None:
        """Let an engine make the steps, if it can make all of them.

        Those whose metrics are needed are among them if it can record what they are computed of,
        unless there is a penalty, which is computed of the parameters before each update.

        Args:
            update: what follows each step.
            threads: the most threads that the engine may use; None for its own choice.
        """
        self._compiled, self._attached = {}, None
        for size, (arrays, *gathers, step) in self._bound.items():
            own = self._graph, step, arrays[0], update, GatherAll(tuple(gathers)).operations()
            compiled = CompiledSteps.of(engine, *own, self._batches.order, threads)
            if compiled is None:
                return
            self._compiled[size] = compiled
        self._attached = update

    @property
    def is_compiled(self) -> bool:
        """Whether an engine makes the steps of epochs without metrics."""
        return self._attached is not None

    def _can_collect(self) -> bool:
        """Return whether metrics can be computed after the engine has made some steps."""
        compiled = self._compiled.values()
        return not self._graph.is_regularized and all(each.recording for each in compiled)

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """Run whole epochs without metrics.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        _run_one_by_one(self, update, step, epochs)

    def run(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        first: int = 0,
        stop: int | None = None,
    ) -> float:
        """Run one epoch, or a part of it; parts must be consecutive.

        Args:
            update: applies the optimizer; called with the number of the update, from 1.
            metrics: accumulates the epoch's batches; None if its metrics are not needed.
            first: the first batch of the part.
            stop: the batch after the part's last one; None for the end of the epoch.

        Returns:
            The learning rate of the last update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        rate, stop = 0.0, self.steps if stop is None else stop
        if first == 0:
            self._batches.shuffle()
        if update is self._attached and (metrics is None or self._can_collect()):
            return self._run_compiled(step, first, stop, metrics)
        for positions in self._batches.between(first, stop):
            _, gather_x, gather_y, bound = self._bound[len(positions)]
            gather_x(positions)
            gather_y(positions)
            step += 1
            self._graph.schedules.begin(step)
            self._collect(metrics, positions, bound.run())
            rate = update(step)
        return rate

    def _run_compiled(
        self, step: int, first: int, stop: int, metrics: MetricAccumulator | None
    ) -> float:
        """Run a part of an epoch by the engine: the batches of full size, then the last one."""
        rate, order = 0.0, self._batches.order

        def collect(start: int, loss: float, size: int) -> None:
            self._collect(metrics, order[start : start + size], loss)

        for size, starts in self._batches.of_one_size(first, stop):
            own = None if metrics is None else partial(collect, size=size)
            rate = self._compiled[size].run(step, starts, own)
            step += len(starts)
        return rate

    def run_observed(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        batch: int,
        observer: StepObserver,
        epoch: int,
    ) -> float:
        """Run one batch of an epoch, with the same results as `run`, and tell an observer.

        Args:
            update: as for `run`, like `step` and `metrics`.
            batch: the batch, counted from 0.
            observer: called during the step and after its update.
            epoch: the epoch, for the observer.

        Returns:
            The learning rate of the update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        positions, arrays = self.gathered(batch)
        if len(positions) not in self._observed:
            self._observed[len(positions)] = self._graph.observed_step(*arrays)
        observed = self._observed[len(positions)]
        self._collect(metrics, positions, observed.run(observer, epoch, step + 1))
        rate = update(step + 1)
        observed.updated(observer, rate)
        return rate

    def _collect(self, metrics: MetricAccumulator | None, positions: Array, loss: float) -> None:
        """Do what `_collect` does with the batch at these positions."""
        (x, *_), *_, bound = self._bound[len(positions)]
        y = () if metrics is None else [each[positions] for each in self._y]
        _collect(metrics, self._graph, bound, y, loss, x)

    def updates_in(self, first: int, stop: int) -> int:
        """Return the number of updates that the batches of a part make."""
        return stop - first

    def after(self, first: int, updates: int) -> int:
        """Return the batch after so many updates from a batch on; it may be past the end."""
        return first + updates

    def gathered(self, batch: int) -> tuple[Array, StepArrays]:
        """Gather one batch of an epoch without computing anything with it.

        Args:
            batch: the batch, counted from 0; for the first one the samples are shuffled.

        Returns:
            The positions of its samples in the training data (n,), and its arrays, which the next
            batch overwrites.
        """
        if batch == 0:
            self._batches.shuffle()
        (positions,) = self._batches.between(batch, batch + 1)
        arrays, gather_x, gather_y, _ = self._bound[len(positions)]
        gather_x(positions)
        gather_y(positions)
        return positions, arrays

    def first_inputs(self, count: int) -> Batch:
        """Shuffle, and return the inputs of the first samples of the epoch, at most `count`."""
        self._batches.shuffle()
        positions = self._batches.first(count)
        x, gather = self._inputs.batch(len(positions))
        gather(positions)
        return x

    def order(self) -> dict[str, Any]:
        """Return the state of the shuffle, as plain values and arrays."""
        return self._batches.state()

    def restore_order(self, state: Mapping[str, Any]) -> None:
        """Restore the state from `order`; raise ValueError if it is from other data."""
        self._batches.restore(state)

    def _bind(
        self, inputs: Gathered, targets: Sequence[Samples], weights: Samples | None, size: int
    ) -> tuple[StepArrays, Callable[[Array], object], Callable[[Array], object], Step]:
        x, gather_x = inputs.batch(size)
        memory = [each.batch(size) for each in targets]
        y_true, gathers = tuple(each for each, _ in memory), [gather for _, gather in memory]
        w = None
        if weights is not None:
            w, gather_weights = weights.batch(size)
            gathers.append(gather_weights)
        gather_y = gathers[0] if len(gathers) == 1 else GatherAll(tuple(gathers))
        return (x, y_true, w), gather_x, gather_y, self._graph.step(x, y_true, w)


class AccumulatedEpoch:
    """Epochs of one update per group of batches, with the mean of their gradients.

    The last group of an epoch may have fewer batches.

    Args:
        batches: computes the gradient of each batch and adds it to `mean`.
        size: the number of batches in a group.

    Attributes:
        steps: the number of batches in an epoch.
        updates: the number of updates in an epoch.
    """

    def __init__(self, batches: MiniBatchEpoch, size: int, mean: GradientMean) -> None:
        self._batches, self._size, self._mean = batches, size, mean
        self.steps, self.updates = batches.steps, -(-batches.steps // size)

    is_compiled = False

    def run(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        first: int = 0,
        stop: int | None = None,
    ) -> float:
        """As `MiniBatchEpoch.run`; without an update, the rate is 0."""
        rate = 0.0
        for batch in range(first, self.steps if stop is None else stop):
            if batch % self._size == 0:
                self._mean.begin()
            made = self.updates_in(batch, batch + 1)
            apply = update if made else _no_update
            rate = self._batches.run(apply, step, metrics, batch, batch + 1)
            step += made
        return rate

    def run_observed(
        self,
        update: Update,
        step: int,
        metrics: MetricAccumulator | None,
        batch: int,
        observer: StepObserver,
        epoch: int,
    ) -> float:
        """As `MiniBatchEpoch.run_observed`; the observer sees the mean of the gradients."""
        if batch % self._size == 0:
            self._mean.begin()
        apply = update if self.updates_in(batch, batch + 1) else _no_update
        return self._batches.run_observed(apply, step, metrics, batch, observer, epoch)

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """As `MiniBatchEpoch.run_epochs`."""
        _run_one_by_one(self, update, step, epochs)

    def updates_in(self, first: int, stop: int) -> int:
        """As `MiniBatchEpoch.updates_in`; an update counts with the last batch of its group."""
        before, size = first // self._size, self._size
        return (self.updates if stop == self.steps else stop // size) - before

    def after(self, first: int, updates: int) -> int:
        """As `MiniBatchEpoch.after`; the first update ends the group in progress."""
        return (first // self._size + updates) * self._size

    def gathered(self, batch: int) -> tuple[Array, StepArrays]:
        """As `MiniBatchEpoch.gathered`."""
        return self._batches.gathered(batch)

    def first_inputs(self, count: int) -> Batch:
        """As `MiniBatchEpoch.first_inputs`."""
        return self._batches.first_inputs(count)

    def order(self) -> dict[str, Any]:
        """As `MiniBatchEpoch.order`."""
        return self._batches.order()

    def restore_order(self, state: Mapping[str, Any]) -> None:
        """As `MiniBatchEpoch.restore_order`."""
        self._batches.restore_order(state)


Epoch = FullBatchEpoch | MiniBatchEpoch | AccumulatedEpoch


def _run_one_by_one(epoch: Epoch, update: Update, step: int, epochs: int) -> None:
    """Run whole epochs; the error of one counts the updates made since the first."""
    for number in range(epochs):
        made = number * epoch.updates
        try:
            epoch.run(update, step + made, None)
        except NonFiniteLossError as error:
            raise NonFiniteLossError(error.loss, error.x, made + error.made) from None


def _no_update(_step: int) -> float:
    """Leave the parameters as they are between the batches of a group."""
    return 0.0


def _check(loss: float, x: Batch) -> None:
    if loss - loss != 0.0:  # NaN for NaN and for infinities
        raise NonFiniteLossError(loss, x)


def _collect(
    metrics: MetricAccumulator | None,
    graph: TrainingGraph,
    step: Step,
    y: Sequence[Array],
    loss: float,
    x: Batch,
) -> None:
    """Check the loss of a batch; add the batch to the metrics if they are needed."""
    _check(loss, x)
    if metrics is not None:
        penalty = graph.penalty()
        _check(loss + penalty, x)
        metrics.add(step.y_preds(), y, step.data_losses(loss), penalty, step.weight())
