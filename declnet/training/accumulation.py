"""Epochs of one update for each group of mini-batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import Batch
from declnet.graph.gradients import GradientMean
from declnet.training.epochs import StepArrays, Update, run_one_by_one
from declnet.training.metrics import MetricAccumulator
from declnet.training.mini_batches import MiniBatchEpoch


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

    def compiled_step(self) -> CompiledCalls:
        """As `MiniBatchEpoch.compiled_step`."""
        return self._batches.compiled_step()

    def reads_each_step(self, metrics: bool) -> bool:  # noqa: ARG002
        """As `MiniBatchEpoch.reads_each_step`: Python makes all of them."""
        return True

    def run_epochs(self, update: Update, step: int, epochs: int) -> None:
        """As `MiniBatchEpoch.run_epochs`."""
        run_one_by_one(self, update, step, epochs)

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


def _no_update(_step: int) -> float:
    """Leave the parameters unchanged between the batches of a group."""
    return 0.0
