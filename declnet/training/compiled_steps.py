"""Stretches of training steps that an engine runs without Python in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.engine import Engine, NativeLoop, StepLoop
from declnet.contracts.operations import Gather
from declnet.data.batches import Batch
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


class CompiledSteps:
    """Steps on batches of one size, each followed by its update, in one call of an engine.

    Args:
        loop: the engine's loop.
        step: the step that it makes, on the batch `x`.
    """

    def __init__(self, loop: NativeLoop, step: Step, x: Batch, update: Updates) -> None:
        self._loop, self._step, self._x, self._update = loop, step, x, update

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
        if graph.begin is not None or update.is_scheduled:
            return None
        start, losses = np.zeros(1, np.int64), step.all_losses()
        now = (start, *update.now)
        sizes = (tuple(gathers), order, start, len(losses[0]))
        loop = engine.loop(StepLoop(*sizes, calls, losses, updates, now, threads))
        return cls(loop, step, x, update)

    def run(self, step: int, starts: Sequence[int] | Array) -> float:
        """Make a step for each batch.

        Args:
            step: the updates made before.
            starts: the position of each batch in the order of the samples.

        Returns:
            The learning rate of the last update.

        Raises:
            NonFiniteLossError: before the update that would have followed.
        """
        count = len(starts)
        values = np.empty((count, 1 + len(self._update.now)), np.int64)
        values[:, 0] = starts
        self._update.fill(values[:, 1:], step + 1)
        made = self._loop.run(values)
        if made < count:
            raise NonFiniteLossError(self._step.loss(), self._x, made)
        return self._update.rate(step + count)
