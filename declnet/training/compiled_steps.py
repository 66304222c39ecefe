"""Stretches of training steps that an engine runs without Python in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Self

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import Engine, NativeLoop, StepLoop
from declnet.contracts.execution.operations import Gather, Record
from declnet.data.batches import Batch
from declnet.graph.schedules import ScheduledValues
from declnet.graph.training_graph import Step, TrainingGraph
from declnet.graph.update import Updates


class NonFiniteLossError(Exception):
    """A step gave a loss that is NaN or infinite.

    Attributes:
        x: its batch.
        made: the steps that were made before it in the same call.
    """

    def __init__(self, loss: float, x: Batch, made: int = 0) -> None:
        super().__init__(loss)
        self.loss, self.x, self.made = loss, x, made


RECORDED = 64
"""Most steps whose results are recorded at a time."""

RECORDED_BYTES = 1 << 22
"""Most bytes of recorded results, unless those of one step take more."""


class CompiledSteps:
    """Steps on batches of one size, each followed by its update, in one call of an engine.

    Args:
        steps: the steps, without records.
        step: the same step in Python, on the batch `x`.
        schedules: the layers' scheduled fields.
        row: the row of records.
    """

    def __init__(
        self,
        engine: Engine,
        steps: StepLoop,
        step: Step,
        x: Batch,
        update: Updates,
        schedules: ScheduledValues,
        row: Array,
    ) -> None:
        self._engine, self._steps, self._step = engine, steps, step
        self._x, self._update, self._schedules, self._row = x, update, schedules, row
        self._loop = engine.loop(steps)

    @classmethod
    def of(
        cls,
        engine: Engine,
        graph: TrainingGraph,
        step: Step,
        x: Batch,
        update: Updates,
        gathers: Sequence[Gather] | None,
        order: Array,
        threads: int | None = None,
    ) -> Self | None:
        """Return the steps; None if some call of them needs Python.

        Args:
            gathers: fill the batch `x` and its targets; None if Python fills them.
            order: the order of the samples, which changes in place.
            threads: the most threads that the engine may use; None for its own choice.
        """
        calls, updates = step.compiled.native, update.compiled.native
        if gathers is None or calls is None or updates is None:
            return None
        start, row, losses = np.zeros(1, np.int64), np.zeros(1, np.int64), step.all_losses()
        now = (start, row, *update.now, *graph.schedules.arrays)
        sizes = (tuple(gathers), order, start, len(losses[0]))
        steps = StepLoop(*sizes, calls, losses, updates, now, threads)
        return cls(engine, steps, step, x, update, graph.schedules, row)

    @cached_property
    def recording(self) -> tuple[NativeLoop, tuple[Record, ...]] | None:
        """The loop that records each step's results, and the records; None if it needs Python."""
        results = [each.ravel("K") for each in self._step.results()]  # views
        fitting = RECORDED_BYTES // sum(each.nbytes for each in results)
        count = max(1, min(RECORDED, fitting))
        records = tuple(
            Record(each, np.empty((count, each.size), each.dtype), self._row) for each in results
        )
        native = self._engine.compile(records).native
        if native is None:
            return None
        calls = (*self._steps.calls, *native)
        return self._engine.loop(replace(self._steps, calls=calls)), records

    def run(
        self,
        step: int,
        starts: Sequence[int] | Array,
        collect: Callable[[int, float], None] | None = None,
    ) -> float:
        """Make a step for each batch.

        Args:
            step: the updates made before.
            starts: the position of each batch in the order of the samples.
            collect: called with the position and the mean data loss of each batch, while the arrays
                of the step hold its results; needs `recording`.

        Returns:
            The learning rate of the last update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        if collect is None or self.recording is None:
            return self._run(self._loop, step, starts)
        loop, records = self.recording
        count, rate = len(records[0].rows), 0.0
        for first in range(0, len(starts), count):
            part = starts[first : first + count]
            rate = self._run(loop, step + first, part)
            for row, start in enumerate(part):
                for each in records:
                    each.array[:] = each.rows[row]
                collect(start, self._step.loss())
        return rate

    def _run(self, loop: NativeLoop, step: int, starts: Sequence[int] | Array) -> float:
        count = len(starts)
        values = np.empty((count, len(self._steps.now)), np.int64)
        values[:, 0], values[:, 1] = starts, np.arange(count)
        schedules = 2 + len(self._update.now)
        self._update.fill(values[:, 2:schedules], step + 1)
        self._schedules.fill(values[:, schedules:], step + 1)
        made = loop.run(values)
        if made < count:
            raise NonFiniteLossError(self._step.loss(), self._x, made)
        return self._update.rate(step + count)
