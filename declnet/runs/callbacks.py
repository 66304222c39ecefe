"""The run as callbacks see it, and the calls of their methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.callback import Callback, EpochFinished, EpochLogged
from declnet.contracts.metric import Better
from declnet.contracts.returned import BrokenContractError
from declnet.contracts.serialization import NotPlainError, to_plain
from declnet.graph.model import Model
from declnet.graph.parameters import check_fit
from declnet.training.trainer import Trainer


@dataclass
class CheckpointPlan:
    """When checkpoints are written without being asked for each time; of several wishes, all.

    Attributes:
        every_epochs: after each number of epochs that one of these divides.
        every_seconds: when so long has passed since the last one; None for never.
        keep_last: how many are kept besides the best; None where nobody wished anything.
    """

    every_epochs: list[int] = field(default_factory=list)
    every_seconds: float | None = None
    keep_last: int | None = None

    def add(self, every_epochs: int | None, every_seconds: float | None, keep_last: int) -> None:
        """Adds a wish."""
        self.every_epochs += [] if every_epochs is None else [every_epochs]
        times = [each for each in (self.every_seconds, every_seconds) if each is not None]
        self.every_seconds = min(times, default=None)
        self.keep_last = max(self.keep_last or 1, keep_last)

    @property
    def halt_every(self) -> int | None:
        """The greatest number of epochs after which a look suffices."""
        return math.gcd(*self.every_epochs) or None

    def is_due(self, epochs: int, seconds: float) -> bool:
        """Whether to write one.

        Args:
            epochs: that are done; 0 within an epoch, where only the time counts.
            seconds: since the last checkpoint.
        """
        by_epoch = epochs > 0 and any(epochs % each == 0 for each in self.every_epochs)
        return by_epoch or (self.every_seconds is not None and seconds >= self.every_seconds)


@dataclass
class ActiveRun:
    """The run as callbacks see it (`declnet.contracts.callback.Run`).

    Attributes:
        directions: which values are better of each metric in the history.
        stopped: the reason that a callback gave for ending the training, or None.
        final: the parameters that the finished model shall have, or None for the last ones.
        plan: when checkpoints are written.
        keeps_checkpoints: whether a callback asked for any.
        wanted: whether a checkpoint was asked for in this epoch.
        best: whether it was called the best.
    """

    name: str
    epochs: int
    directory: Path | None
    model: Model
    trainer: Trainer
    directions: Mapping[str, Better | None]
    stopped: str | None = None
    final: dict[str, Array] | None = None
    plan: CheckpointPlan = field(default_factory=CheckpointPlan)
    keeps_checkpoints: bool = False
    wanted: bool = False
    best: bool = False

    def better(self, name: str) -> Better | None:
        """As `Run.better`."""
        return self.directions.get(name)

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch; the first reason stands."""
        self.stopped = self.stopped or reason

    def has_stopped(self) -> bool:
        """Whether a callback ended the training."""
        return self.stopped is not None

    def scale_learning_rate(self, factor: float) -> None:
        """As `Run.scale_learning_rate`; raises ValueError if the factor is not above 0."""
        if not (factor > 0 and math.isfinite(factor)):
            raise ValueError(f"a learning rate is scaled by a number above 0, not by {factor}")
        self.trainer.scale_learning_rate(factor)

    def restore_parameters(self, parameters: Mapping[str, Array] | None) -> None:
        """As `Run.restore_parameters`; raises WeightsError if they are not the model's."""
        if parameters is not None:
            shapes = {key: array.shape for key, array in parameters.items()}
            check_fit(self.model.store.slots, shapes, "restore_parameters")
        self.final = dict(parameters) if parameters is not None else None

    def save_checkpoint(self, best: bool = False) -> None:
        """As `Run.save_checkpoint`."""
        self.wanted = self.keeps_checkpoints = True
        self.best = self.best or best

    def save_checkpoints(
        self,
        *,
        every_epochs: int | None = None,
        every_seconds: float | None = None,
        keep_last: int = 3,
    ) -> None:
        """As `Run.save_checkpoints`."""
        self.plan.add(every_epochs, every_seconds, keep_last)
        self.keeps_checkpoints = True
        self.trainer.halt_every = self.plan.halt_every

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as plain values."""
        return {
            "stopped": self.stopped,
            "final": self.final,
            "keeps_checkpoints": self.keeps_checkpoints,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.stopped, self.final = state["stopped"], state["final"]
        self.keeps_checkpoints = state["keeps_checkpoints"]


class Callbacks:
    """All callbacks of a run, in the spec's order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._waiting = list(callbacks)
        self._started: list[tuple[Callback, Any]] = []

    def start(self, run: ActiveRun, saved: Sequence[dict[str, Any]] = ()) -> None:
        """Starts each, or restores those that something was saved of.

        Args:
            run: what they see.
            saved: what `state` gave; those of another type, at their place, are left out.
        """
        by_place = dict(enumerate(saved))
        for place, callback in enumerate(self._waiting):
            found = by_place.get(place, {})
            if found.get("type") == callback.type and found.get("saved") is not None:
                state = callback.restore(run, found["saved"])
            else:
                state = callback.start(run)
            self._started.append((callback, state))

    def state(self) -> list[dict[str, Any]]:
        """What each wants kept, as plain values.

        Raises:
            BrokenContractError: one wants to keep what no file holds.
        """
        kept = []
        for callback, state in self._started:
            saved = callback.save(state)
            try:
                to_plain(saved, {}, "it")
            except NotPlainError as error:
                fault = f"returned what a checkpoint cannot keep: {error}"
                raise BrokenContractError(callback, "save", fault) from None
            kept.append({"type": callback.type, "saved": saved})
        return kept

    def after_epoch(self, epoch: EpochFinished) -> None:
        """Tell each of an epoch, logged or not."""
        for callback, state in self._started:
            callback.after_epoch(state, epoch)

    def epoch_finished(self, epoch: EpochLogged) -> None:
        """Tell each of a logged epoch."""
        for callback, state in self._started:
            callback.epoch_finished(state, epoch)

    def finished(self, metrics: dict[str, dict[str, float]]) -> None:
        """Tells each that the run is done."""
        while self._started:
            callback, state = self._started.pop(0)
            callback.finished(state, metrics)

    def failed(self, error: BaseException) -> None:
        """Tells those that started and have not finished; what one raises spares the others."""
        while self._started:
            callback, state = self._started.pop(0)
            try:
                callback.failed(state, error)
            except Exception as another:  # the run's own failure is the one to report
                error.add_note(f'callback "{callback.type}" failed as well: {another}')
