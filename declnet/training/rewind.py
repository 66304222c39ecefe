"""Rewinding a training: the last steps are repeated to find what made a value non-finite.

The state is copied between two steps, so seldom that it takes at most a thousandth of the time.
When a loss is not finite, the steps since the copy are repeated to find the first one that left
something non-finite, and then up to that one, which `culprits` makes with the components alone,
checking the result of each call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from declnet.training.compile import CompiledTraining
from declnet.training.compiled_steps import NonFiniteLossError
from declnet.training.culprits import (
    Culprit,
    culprit_of_step,
    largest,
    non_finite_parameter,
)
from declnet.training.numerics import arithmetic_for
from declnet.training.preparation import Prepared
from declnet.training.state import MAX_COPIED_BYTES, TrainingState

SPACING = 1000
"""Minimum time between two copies of the state, as a multiple of the time one takes."""

LONGEST = 60.0
"""The most seconds that repeating the steps may take."""

Position = tuple[int, int, int]
"""The epoch in progress, the finished batches of that epoch, and the updates made."""


class Rewind:
    """A copy of a training's state, made now and then, from which the last steps are repeated.

    Args:
        batches: returns the number of batches of an epoch.

    Attributes:
        at_first: the largest number among the parameters when the first copy was made.
    """

    def __init__(
        self,
        prepared: Prepared,
        compiled: CompiledTraining,
        batches: Callable[[int], int],
    ) -> None:
        self._prepared, self._model = prepared, prepared.model
        self._compiled, self._batches = compiled, batches
        self._copy: TrainingState | None = None
        self._due, self.at_first = 0.0, np.inf

    def forget(self) -> None:
        """Make the next copy as soon as possible, since the training was changed from outside."""
        self._copy, self._due = None, 0.0

    def keep(self, epoch: int, batch: int, step: int) -> None:
        """Copy the state between two steps, unless the last copy is recent."""
        begin = time.perf_counter()
        if begin < self._due:
            return
        state = self._compiled.state(epoch, batch, step)
        if self.at_first == np.inf:
            self.at_first = largest(self._model.store.vector)
        arrays = *state.parameters.values(), *state.optimizer.values()
        is_first = self._copy is None
        if sum(array.nbytes for array in arrays) <= MAX_COPIED_BYTES and (
            is_first or self._is_finite()
        ):
            self._copy = state.copied()
        end = time.perf_counter()
        self._due = end + SPACING * (end - begin)

    def _is_finite(self) -> bool:
        """Return whether the parameters are finite, and the gradient that awaits an update."""
        mean = self._compiled.mean
        arrays = *self._model.store.arrays.values(), *(() if mean is None else (mean.value,))
        return all(np.isfinite(array).all() for array in arrays)

    def culprit(self, position: Position, stop: int) -> Culprit | None:
        """Repeat the steps since the copy; return what first made a value non-finite.

        The training is left as it is now.

        Args:
            position: the present one.
            stop: the number of updates after which something is known not to be finite.

        Returns:
            None without a copy, if everything remains finite, or if it takes too long.
        """
        if self._copy is None:
            return None
        epoch, batch, step = position
        now = self._compiled.state(epoch, batch, step).copied()
        try:
            with arithmetic_for(self._compiled.batch):
                failing = None
                for failing in self._positions(self._copy, stop):  # noqa: B007
                    pass
                for at in self._positions(self._copy, stop):
                    if at == failing:
                        return self._culprit_at(*at)
            return None
        finally:
            self._compiled.enter(epoch)
            self._compiled.restore(now)

    def unexplained(self) -> Culprit | None:
        """Return a parameter that is not finite though the components did not make it so."""
        culprit = non_finite_parameter(self._model)
        why = "but repeating the last steps did not show why"
        return culprit and replace(culprit, values=f"{culprit.values}, {why}")

    def _positions(self, state: TrainingState, stop: int) -> Iterator[Position]:
        """Repeat steps up to the first that fails; yield the position before each."""
        compiled, epoch, batch, step = self._compiled, state.epoch, state.batch, state.step
        compiled.enter(epoch)
        compiled.restore(state)
        deadline = time.monotonic() + LONGEST
        while step < stop and time.monotonic() < deadline:
            yield epoch, batch, step
            try:
                compiled.epoch.run(compiled.update, step, None, batch, batch + 1)
            except NonFiniteLossError:
                return
            step += compiled.epoch.updates_in(batch, batch + 1)
            if not self._is_finite():
                return
            batch += 1
            if batch == self._batches(epoch):
                epoch, batch = epoch + 1, 0
                compiled.enter(epoch)

    def _culprit_at(self, epoch: int, batch: int, step: int) -> Culprit | None:
        bound, update = self._compiled.component_step(epoch, batch, step)
        return culprit_of_step(self._prepared, bound, update, step + 1)
