"""Stretches of training steps that an engine runs without Python in between.

If an engine leaves nothing to Python, one call runs whole stretches of steps: to the next logged
epoch, checkpoint or signal, and for a twentieth of a second at most. Several short epochs are one
stretch, for which the samples are shuffled in advance. Where metrics are needed, some dozens of
steps record their predictions and losses; with a penalty, which is computed from the parameters
before each update, Python makes the same native calls step by step. So the bits do not depend on
`log_every`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls, Engine, NativeLoop, StepLoop
from declnet.contracts.execution.operations import Gather, Record
from declnet.contracts.network.inputs import Batch
from declnet.contracts.returned import verified
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update


class NonFiniteLossError(Exception):
    """A step gave a loss that is NaN or infinite.

    Attributes:
        x: its batch.
        step: the updates made before it; of a step whose metrics are computed later, those made
            before the engine was called.
    """

    def __init__(self, loss: float, x: Batch, step: int) -> None:
        super().__init__(loss)
        self.loss, self.x, self.step = loss, x, step


@dataclass(frozen=True, eq=False)
class Collector:
    """A receiver of the results of steps.

    Attributes:
        batch: called with the position of each batch, while the arrays of the step hold its
            results.
        losses: called instead, where it is enough, with the means of several batches, (losses,
            batches); None if predictions are needed.
    """

    batch: Callable[[int], None]
    losses: Callable[[Array], None] | None


RECORDED = 64
"""Maximum number of steps whose results are recorded at a time."""

RECORDED_BYTES = 1 << 22
"""Maximum number of bytes of recorded results, unless a single step takes more."""


class CompiledSteps:
    """Steps on batches of one size, each followed by its update, in one call of an engine.

    Args:
        graph: the graph of the steps.
        step: the step in Python, whose calls are native.
        update: the update, whose calls are native.
        gathers: fill the step's batch.
        order: the order of the samples, which changes in place.
        threads: the most threads that the engine may use.
    """

    def __init__(
        self,
        engine: Engine,
        graph: TrainingGraph,
        step: Step,
        update: Update,
        gathers: tuple[Gather, ...],
        order: Array,
        threads: int,
    ) -> None:
        self._engine, self._step, self._update = engine, step, update
        self._schedules, start = graph.schedules, np.zeros(1, np.int64)
        self._row = np.zeros(1, np.int64)
        self._steps = StepLoop(
            gathers,
            order,
            start,
            step.samples,
            step.compiled.native or (),
            step.losses,
            update.compiled.native or (),
            (start, self._row, *update.now, *graph.schedules.arrays),
            threads,
        )
        self._loop = verified(Engine.loop, engine, self._steps)

    @cached_property
    def recording(self) -> tuple[NativeLoop, tuple[Record, ...]] | None:
        """The loop that records each step's results, and the records; None if it needs Python."""
        results = [array.ravel("K") for array in self._step.results()]  # views
        fitting = RECORDED_BYTES // sum(array.nbytes for array in results)
        count = max(1, min(RECORDED, fitting))
        records = tuple(
            Record(array, np.empty((count, array.size), array.dtype), self._row)
            for array in results
        )
        native = verified(Engine.compile, self._engine, records).native
        if native is None:
            return None
        calls = (*self._steps.calls, *native)
        steps = replace(self._steps, calls=calls)
        return verified(Engine.loop, self._engine, steps), records

    @property
    def losses_suffice(self) -> bool:
        """Whether the mean data losses of several steps are computed in one call."""
        return self.recording is not None and self._means(self.recording[1], 0) is not None

    def run(
        self,
        step: int,
        starts: Sequence[int] | Array,
        collector: Collector | None = None,
    ) -> float:
        """Make a step for each batch.

        Args:
            step: the updates made before.
            starts: the position of each batch in the order of the samples.
            collector: takes the results of each batch; for several needs `recording`.

        Returns:
            The learning rate of the last update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        if collector is None or len(starts) == 1 or self.recording is None:
            rate = self._run(self._loop, step, starts)
            if collector is not None:
                collector.batch(starts[0])
            return rate
        loop, records = self.recording
        count, rate = len(records[0].rows), 0.0
        for first in range(0, len(starts), count):
            part = starts[first : first + count]
            rate = self._run(loop, step + first, part)
            means = self._means(records, len(part)) if collector.losses is not None else None
            if collector.losses is not None and means is not None:
                collector.losses(means)
                continue
            for row, start in enumerate(part):
                for record in records:
                    record.array[:] = record.rows[row]
                collector.batch(start)
        return rate

    def _means(self, records: Sequence[Record], count: int) -> Array | None:
        """Return the means of the losses of each recorded step; None if they need more than that.

        The losses are recorded first, as in `Step.results`.
        """
        losses = records[: len(self._step.heads)]
        return self._step.recorded_means([record.rows[:count] for record in losses])

    def _run(self, loop: NativeLoop, step: int, starts: Sequence[int] | Array) -> float:
        count = len(starts)
        values = np.empty((count, len(self._steps.now)), np.int64)
        values[:, 0], values[:, 1] = starts, np.arange(count)
        schedules = 2 + len(self._update.now)
        self._update.fill(values[:, 2:schedules], step + 1)
        self._schedules.fill(values[:, schedules:], step + 1)
        done = loop.run(values)
        if done < count:
            raise NonFiniteLossError(self._step.loss(), self._step.x, step + done)
        return self._update.rate(step + count)


SHARE = 0.02
"""The part of the training time that verification may take."""

GROWTH = 2.0
"""How many times as long the training has taken at one verification as at the one before."""

FIRST, STEPS = 2e-4, 5
"""Seconds to verify a method, and steps that take as long as all of them together, about, before it
has been measured."""


class RecordingVerifier:
    """Verifies recorded methods each time the training has taken twice as long, and at its end.

    It depends on the time only when they are verified, and no result depends on that.
    """

    def __init__(self) -> None:
        self._spent = self._seconds_a_method = self._next = self._start = 0.0
        self._first_step = 0

    def begin(self, step: int) -> None:
        """Start timing when the training starts or resumes, after so many steps."""
        self._start, self._first_step = time.perf_counter(), step

    def verify(self, *compiled: CompiledCalls, step: int, last: bool) -> None:
        """Verify what is recorded if it is time.

        Args:
            compiled: the calls of a step and of an update.
            step: the steps made.
            last: whether the training ends.

        Raises:
            BrokenContractError: a component does something else than when it was recorded.
        """
        recorded = [method for calls in compiled for method in calls.recorded]
        now = time.perf_counter()
        passed = now - self._start
        if not recorded or (passed < self._next and not last):
            return
        cost = len(recorded) * self._seconds_a_method
        if not cost:
            cost = max(len(recorded) * FIRST, STEPS * passed / (step - self._first_step))
        if self._spent + cost > SHARE * passed:
            return
        for method in recorded:
            method.verify()
        seconds = time.perf_counter() - now
        self._spent += seconds
        self._seconds_a_method, self._next = seconds / len(recorded), GROWTH * passed
