"""Epochs of one step on all samples, and what epochs of any kind have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls, Engine
from declnet.contracts.network.inputs import for_each
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import Batch, Samples
from declnet.graph.observation import ObservedStep
from declnet.graph.training_graph import Step, Targets, TrainingGraph
from declnet.graph.update import Updates
from declnet.training.compiled_steps import CompiledSteps, NonFiniteLossError
from declnet.training.metrics import MetricAccumulator
from declnet.training.preparation import ReadyData

Update = Callable[[int], float]

StepArrays = tuple[Batch, Targets, Array | None]
"""A batch's inputs, prepared targets and sample weights."""


class RunsEpochs(Protocol):
    """A runner of epochs, one at a time or in parts."""

    updates: int

    def run(self, update: Update, step: int, metrics: MetricAccumulator | None) -> float:
        """As `MiniBatchEpoch.run`."""


def run_one_by_one(epoch: RunsEpochs, update: Update, step: int, epochs: int) -> None:
    """Run whole epochs; the error of one counts the updates made since the first."""
    for number in range(epochs):
        made = number * epoch.updates
        try:
            epoch.run(update, step + made, None)
        except NonFiniteLossError as error:
            raise NonFiniteLossError(error.loss, error.x, made + error.made) from None


def check(loss: float, x: Batch) -> None:
    """Raise NonFiniteLossError if the loss of a batch is NaN or infinite."""
    if loss - loss != 0.0:  # NaN for NaN and for infinities
        raise NonFiniteLossError(loss, x)


def collect(
    metrics: MetricAccumulator | None,
    graph: TrainingGraph,
    step: Step,
    y: Sequence[Array],
    loss: float,
    x: Batch,
) -> None:
    """Check the loss of a batch; add the batch to the metrics if they are needed."""
    check(loss, x)
    if metrics is not None:
        penalty = graph.penalty()
        check(loss + penalty, x)
        metrics.add(step.y_preds(), y, step.data_losses(loss), penalty, step.weight())


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

    def compiled_step(self) -> CompiledCalls:
        """As `MiniBatchEpoch.compiled_step`."""
        return self._step.compiled

    def reads_each_step(self, metrics: bool) -> bool:  # noqa: ARG002
        """As `MiniBatchEpoch.reads_each_step`; there is only one, which counts as the epoch."""
        return False

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """As `MiniBatchEpoch.run_epochs`."""
        if self._compiled is not None and update is self._attached:
            self._compiled.run(step, np.zeros(epochs, np.int64))
            return
        run_one_by_one(self, update, step, epochs)

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
        collect(metrics, self._graph, self._step, self._y, self._step.run(), self._x)
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
        collect(metrics, self._graph, self._step, self._y, loss, self._x)
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
