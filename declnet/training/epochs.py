"""Epochs: a step for each batch, and an update for each group of batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls, Engine
from declnet.contracts.execution.operations import Gather
from declnet.contracts.network.inputs import Batch
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import BatchOrder, GatheredArray
from declnet.graph.gradients import GradientMean
from declnet.graph.observation import ObservedStep
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet.training.compiled_steps import Collector, CompiledSteps, NonFiniteLossError
from declnet.training.metrics import MetricAccumulator

ApplyUpdate = Callable[[int], float]
"""Makes an update, given its number, from 1; returns its learning rate."""


@dataclass(frozen=True, eq=False)
class GatheredSet:
    """The training data, from which batches are gathered.

    Attributes:
        inputs: the samples of each input by name.
        targets: the prepared targets of each loss.
        weights: the sample weights; None if all are equal.
        y: the targets that metrics take, for each loss.
    """

    inputs: Mapping[str, GatheredArray]
    targets: tuple[GatheredArray, ...]
    weights: GatheredArray | None
    y: Sequence[Array]


@dataclass(frozen=True, eq=False)
class _GatheredStep:
    """A step on batches of one size.

    Attributes:
        gathers: fill the step's batch, given positions of samples; none for a batch of all samples.
    """

    step: Step
    gathers: tuple[Callable[[Array], object], ...]


class Epoch:
    """Epochs of a step for each batch and an update for each group of batches.

    Without accumulation, a group is a single batch. The last batch of an epoch may have fewer
    samples, the last group fewer batches.

    Args:
        group: the number of batches in a group.
        mean: the mean of the gradients of a group; None if a group is a single batch.

    Attributes:
        steps: the number of batches in an epoch.
        updates: the number of updates in an epoch.
    """

    def __init__(
        self,
        graph: TrainingGraph,
        data: GatheredSet,
        batches: BatchOrder,
        group: int = 1,
        mean: GradientMean | None = None,
    ) -> None:
        self._graph, self._data, self._batches = graph, data, batches
        self._group, self._mean = group, mean
        sizes = {batches.batch_size, batches.last_size}
        self._bound = {size: self._bind(size) for size in sizes}
        self._observed: dict[int, ObservedStep] = {}
        self._compiled: dict[int, CompiledSteps] = {}
        self._attached: Update | None = None
        self.steps, self.updates = batches.count, -(-batches.count // group)

    def _bind(self, size: int) -> _GatheredStep:
        gathers = []

        def memory(samples: GatheredArray) -> Array:
            array, gather = samples.batch(size)
            if gather is not None:
                gathers.append(gather)
            return array

        x = {name: memory(samples) for name, samples in self._data.inputs.items()}
        y_true = tuple(map(memory, self._data.targets))
        weights = None if self._data.weights is None else memory(self._data.weights)
        return _GatheredStep(self._graph.step(x, y_true, weights), tuple(gathers))

    def attach(self, update: Update, engine: Engine, threads: int) -> None:
        """Let an engine make the steps, if it can make all of them and an update follows each.

        They include steps with metrics if the engine can record the results that metrics read,
        unless there is a penalty, which is computed from the parameters before each update.

        Args:
            update: what follows each step.
            threads: the most threads that the engine may use.
        """
        self._compiled, self._attached = {}, None
        if self._mean is not None or update.compiled.native is None:
            return
        for size, bound in self._bound.items():
            gathers = tuple(gather for gather in bound.gathers if isinstance(gather, Gather))
            if len(gathers) < len(bound.gathers) or bound.step.compiled.native is None:
                return
            order = self._batches.order
            self._compiled[size] = CompiledSteps(
                engine, self._graph, bound.step, update, gathers, order, threads
            )
        self._attached = update

    @property
    def is_compiled(self) -> bool:
        """Whether an engine makes the steps of epochs without metrics."""
        return self._attached is not None

    def compiled_step(self) -> CompiledCalls:
        """Return the calls of a step on a whole batch."""
        return self._bound[self._batches.batch_size].step.compiled

    def _can_collect(self, batches: int) -> bool:
        """Return whether metrics can be computed after the engine has made some steps.

        For the only step of an epoch, that takes Python longer than the calls themselves.
        """
        if self.steps == 1 or self._graph.is_regularized:
            return False
        return batches == 1 or all(steps.recording for steps in self._compiled.values())

    def reads_each_step(self, metrics: bool) -> bool:
        """Return whether Python reads the results of several steps of an epoch that is logged.

        Args:
            metrics: whether there are metrics of predictions.
        """
        if self.steps == 1:
            return False
        compiled = self._compiled.values()
        return metrics or not (
            self._can_collect(self.steps) and all(steps.losses_suffice for steps in compiled)
        )

    def run(
        self,
        update: ApplyUpdate,
        step: int,
        metrics: MetricAccumulator | None,
        first: int = 0,
        stop: int | None = None,
    ) -> float:
        """Run one epoch, several, or a part of one; parts must be consecutive.

        Args:
            update: applies the optimizer; called with the number of the update, from 1.
            step: the updates made before.
            metrics: accumulates the batches of an epoch; None if its metrics are not needed.
            first: the first batch of the part.
            stop: the batch after the last one, counted on through the epochs that follow; None for
                the end of the epoch.

        Returns:
            The learning rate of the last update; 0 without one.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        rate, stop = 0.0, self.steps if stop is None else stop
        if update is self._attached and (metrics is None or self._can_collect(stop - first)):
            return self._run_compiled(step, first, stop, metrics)
        for batch, positions in enumerate(self._batches.between(first, stop), first):
            self._begin_group(batch)
            bound = self._gather(positions)
            self._graph.schedules.begin(step + 1)
            for call in bound.step.calls:
                call()
            self._collect(metrics, positions, bound.step, step)
            if self._ends_group(batch):
                step += 1
                rate = update(step)
        return rate

    def _run_compiled(
        self, step: int, first: int, stop: int, metrics: MetricAccumulator | None
    ) -> float:
        """Run batches by the engine: in one call as many of the same size as follow each other."""
        rate = 0.0
        for size, starts in self._batches.of_one_size(first, stop):
            collector = None if metrics is None else self._collector(metrics, size, step)
            rate = self._compiled[size].run(step, starts, collector)
            step += len(starts)
        return rate

    def _collector(self, metrics: MetricAccumulator, size: int, step: int) -> Collector:
        """Return what adds the results of batches of a size to the metrics."""
        order, results = self._batches.order, self._bound[size].step

        def add(start: int) -> None:
            self._collect(metrics, order[start : start + size], results, step)

        def add_losses(means: Array) -> None:
            for total in results.total(means).tolist():
                _check(total, results.x, step)
            metrics.add_losses(means.tolist(), size)

        return Collector(add, None if metrics.reads_predictions else add_losses)

    def run_observed(
        self,
        update: ApplyUpdate,
        step: int,
        metrics: MetricAccumulator | None,
        batch: int,
        observers: Sequence[StepObserver],
        epoch: int,
    ) -> float:
        """Run one batch of an epoch, with the same results as `run`, and call observers.

        Args:
            update: as for `run`, like `step` and `metrics`.
            batch: the batch, counted from 0.
            observers: called during the step, with the mean of a group's gradients, and afterwards.
            epoch: the epoch, for the observers.

        Returns:
            The learning rate of the update; 0 without one.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        self._begin_group(batch)
        positions, bound = self.gathered(batch)
        if bound.samples not in self._observed:
            self._observed[bound.samples] = self._graph.observed_step(bound)
        observed = self._observed[bound.samples]
        observed.run(observers, epoch, step + 1)
        self._collect(metrics, positions, bound, step)
        rate = update(step + 1) if self._ends_group(batch) else 0.0
        observed.updated(observers, rate)
        return rate

    def _begin_group(self, batch: int) -> None:
        if self._mean is not None and batch % self.steps % self._group == 0:
            self._mean.begin()

    def _ends_group(self, batch: int) -> bool:
        done = batch % self.steps + 1
        return done % self._group == 0 or done == self.steps

    def _collect(
        self, metrics: MetricAccumulator | None, positions: Array, results: Step, step: int
    ) -> None:
        """Check the losses of a batch; add the batch to the metrics if they are needed."""
        if metrics is None:
            _check(results.loss(), results.x, step)
            return
        means, penalty = results.means(), self._graph.penalty()
        loss = results.total(means)
        _check(loss, results.x, step)
        _check(loss + penalty, results.x, step)
        gathers = self._bound[len(positions)].gathers
        y = [labels[positions] for labels in self._data.y] if gathers else self._data.y
        metrics.add(results.y_preds, y, means, penalty, results.weight())

    def updates_in(self, first: int, stop: int) -> int:
        """Return the number of updates that the batches of a part make, as for `run`."""
        epochs, batches = divmod(stop, self.steps)
        return epochs * self.updates + batches // self._group - first // self._group

    def after(self, first: int, updates: int) -> int:
        """Return the batch after some updates from a batch on; it may be past the end.

        The first update ends the group in progress.
        """
        return (first // self._group + updates) * self._group

    def gathered(self, batch: int) -> tuple[Array, Step]:
        """Gather one batch of an epoch without computing anything with it.

        Args:
            batch: the batch, counted from 0; the first one begins an epoch.

        Returns:
            The positions of its samples in the training data (n,), and the step on its arrays,
            which the next batch overwrites.
        """
        (positions,) = self._batches.between(batch, batch + 1)
        return positions, self._gather(positions).step

    def _gather(self, positions: Array) -> _GatheredStep:
        bound = self._bound[len(positions)]
        for gather in bound.gathers:
            gather(positions)
        return bound

    def first_inputs(self, count: int) -> Batch:
        """Begin an epoch; return the inputs of its first samples, at most `count`."""
        positions = self._batches.first(count)
        x = {}
        for name, samples in self._data.inputs.items():
            x[name], gather = samples.batch(len(positions))
            if gather is not None:
                gather(positions)
        return x

    def order(self) -> dict[str, Any]:
        """Return the state of the shuffle, as plain values and arrays."""
        return self._batches.state()

    def restore_order(self, state: Mapping[str, Any]) -> None:
        """Restore the state from `order`; raise ValueError if it is from other data."""
        self._batches.restore(state)


def _check(loss: float, x: Batch, step: int) -> None:
    """Raise NonFiniteLossError if the loss of a batch is NaN or infinite."""
    if loss - loss != 0.0:  # NaN for NaN and for infinities
        raise NonFiniteLossError(loss, x, step)
