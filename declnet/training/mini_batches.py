"""Epochs of one step for each mini-batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls, Engine
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import Batch, BatchOrder, GatherAll, Gathered, Samples
from declnet.graph.observation import ObservedStep
from declnet.graph.training_graph import Step, TrainingGraph
from declnet.graph.update import Updates
from declnet.training.compiled_steps import Collector, CompiledSteps
from declnet.training.epochs import StepArrays, Update, check, collect, run_one_by_one
from declnet.training.metrics import MetricAccumulator
from declnet.training.preparation import ReadyData


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

    def compiled_step(self) -> CompiledCalls:
        """Return the calls of a step on a whole batch."""
        return self._bound[self._batches.batch_size][-1].compiled

    def _can_collect(self) -> bool:
        """Return whether metrics can be computed after the engine has made some steps."""
        compiled = self._compiled.values()
        return not self._graph.is_regularized and all(each.recording for each in compiled)

    def reads_each_step(self, metrics: bool) -> bool:
        """Return whether Python reads the results of each step of an epoch that is logged.

        Args:
            metrics: whether there are metrics of predictions.
        """
        compiled = self._compiled.values()
        return metrics or not (
            self._can_collect() and all(each.losses_suffice for each in compiled)
        )

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """Run whole epochs without metrics.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        run_one_by_one(self, update, step, epochs)

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
            self._add(metrics, positions, bound.run())
            rate = update(step)
        return rate

    def _run_compiled(
        self, step: int, first: int, stop: int, metrics: MetricAccumulator | None
    ) -> float:
        """Run a part of an epoch by the engine: the batches of full size, then the last one."""
        rate = 0.0
        for size, starts in self._batches.of_one_size(first, stop):
            collector = None if metrics is None else self._collector(metrics, size)
            rate = self._compiled[size].run(step, starts, collector)
            step += len(starts)
        return rate

    def _collector(self, metrics: MetricAccumulator, size: int) -> Collector:
        """Return what adds the results of batches of a size to the metrics."""
        order = self._batches.order
        (x, *_), *_ = self._bound[size]

        def add(start: int, loss: float) -> None:
            self._add(metrics, order[start : start + size], loss)

        def add_losses(losses: list[float]) -> None:
            for each in losses:
                check(each, x)
            metrics.add_losses(losses, size)

        return Collector(add, None if metrics.reads_predictions else add_losses)

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
        self._add(metrics, positions, observed.run(observer, epoch, step + 1))
        rate = update(step + 1)
        observed.updated(observer, rate)
        return rate

    def _add(self, metrics: MetricAccumulator | None, positions: Array, loss: float) -> None:
        """Do what `collect` does with the batch at these positions."""
        (x, *_), *_, bound = self._bound[len(positions)]
        y = () if metrics is None else [each[positions] for each in self._y]
        collect(metrics, self._graph, bound, y, loss, x)

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
