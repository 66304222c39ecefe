"""The run as callbacks see it, and dispatch to the callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.network.directions import Better
from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback, EpochFinished, EpochLogged
from declnet.contracts.runs.observer import StepObserver
from declnet.graph.evaluated import EvaluatedParameters
from declnet.graph.model import Model
from declnet.graph.parameters import check_fit
from declnet.training.trainer import Trainer


@dataclass(frozen=True)
class FollowedModel:
    """The model as callbacks see it (`declnet.contracts.runs.callback.RunningModel`).

    Attributes:
        trained: the model in training.
        evaluated: the parameters that it has while it is evaluated.
    """

    trained: Model
    evaluated: EvaluatedParameters

    def parameters(self) -> dict[str, Array]:
        """See `RunningModel.parameters`."""
        with self.evaluated.in_model():
            return self.trained.parameters()

    def predict(self, x: Any) -> Any:
        """See `RunningModel.predict`."""
        with self.evaluated.in_model():
            return self.trained.predict(x)

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """See `RunningModel.load_parameters`."""
        self.trained.load_parameters(saved)
        self.evaluated.forget()

    def vector(self) -> Array:
        """See `RunningModel.vector`."""
        return self.trained.vector()

    def to_vector(self, parameters: Mapping[str, Array]) -> Array:
        """See `RunningModel.to_vector`."""
        return self.trained.to_vector(parameters)

    def from_vector(self, vector: Array) -> dict[str, Array]:
        """See `RunningModel.from_vector`."""
        return self.trained.from_vector(vector)


@dataclass
class ActiveRun:
    """The run as callbacks see it (`declnet.contracts.runs.callback.Run`).

    Attributes:
        directions: which values are better, for each metric in the history.
        notice: called with each warning.
        warnings: the warnings of callbacks so far.
        stopped: the reason a callback gave for ending the training, or None.
        final: the parameters of the finished model, or None to use the last ones.
        origin: where a callback said that `final` comes from, or None.
        every_epochs: intervals in epochs; a checkpoint is due at a multiple of any of them.
        every_seconds: seconds between checkpoints; None for no time limit.
        keep_last: how many checkpoints to keep besides the best; None without any request.
        keeps_checkpoints: whether a callback requested any checkpoints.
        requested: whether a checkpoint was requested in this epoch.
        best: whether it was marked as the best.
    """

    name: str
    epochs: int
    directory: Path | None
    model: FollowedModel
    trainer: Trainer
    directions: Mapping[str, Better | None]
    notice: Callable[[str], object] | None = None
    warnings: list[str] = field(default_factory=list)
    stopped: str | None = None
    final: dict[str, Array] | None = None
    origin: str | None = None
    every_epochs: list[int] = field(default_factory=list)
    every_seconds: float | None = None
    keep_last: int | None = None
    keeps_checkpoints: bool = False
    requested: bool = False
    best: bool = False

    def better(self, name: str) -> Better | None:
        """See `Run.better`."""
        return self.directions.get(name)

    def warn(self, message: str) -> None:
        """See `Run.warn`; the same message is shown once."""
        message = " ".join(message.split())
        if message not in self.warnings:
            self.warnings.append(message)
            if self.notice is not None:
                self.notice(message)

    def stop(self, reason: str) -> None:
        """End the training after this epoch; the first reason given is kept."""
        self.stopped = self.stopped or reason

    def has_stopped(self) -> bool:
        """Return whether a callback ended the training."""
        return self.stopped is not None

    def scale_learning_rate(self, factor: float) -> None:
        """See `Run.scale_learning_rate`; raises ValueError if the factor is not above 0."""
        if not (factor > 0 and math.isfinite(factor)):
            raise ValueError(f"a learning rate is scaled by a number above 0, not by {factor}")
        self.trainer.learning_rate_scale *= factor

    def restore_parameters(
        self,
        parameters: Mapping[str, Array] | None,
        origin: str | None = None,
    ) -> None:
        """See `Run.restore_parameters`; raises WeightsError if they are not the model's."""
        if parameters is not None:
            shapes = {key: array.shape for key, array in parameters.items()}
            check_fit(self.model.trained.store.slots, shapes, "restore_parameters")
        self.final = dict(parameters) if parameters is not None else None
        self.origin = origin if parameters is not None else None

    def save_checkpoint(self, best: bool = False) -> None:
        """See `Run.save_checkpoint`."""
        self.requested = self.keeps_checkpoints = True
        self.best = self.best or best

    def save_checkpoints(
        self,
        *,
        every_epochs: int | None = None,
        every_seconds: float | None = None,
        keep_last: int = 3,
    ) -> None:
        """See `Run.save_checkpoints`."""
        self.every_epochs += [] if every_epochs is None else [every_epochs]
        times = [seconds for seconds in (self.every_seconds, every_seconds) if seconds is not None]
        self.every_seconds = min(times, default=None)
        self.keep_last = max(self.keep_last or 1, keep_last)
        self.keeps_checkpoints = True
        self.trainer.halt_every = math.gcd(*self.every_epochs) or None

    def needs_checkpoint(self, epochs: int, seconds: float) -> bool:
        """Return whether a checkpoint is requested or due.

        Args:
            epochs: completed epochs; 0 within an epoch, where only the time counts.
            seconds: time since the last checkpoint.
        """
        by_epoch = epochs > 0 and any(epochs % epoch == 0 for epoch in self.every_epochs)
        by_time = self.every_seconds is not None and seconds >= self.every_seconds
        return self.keeps_checkpoints and (self.requested or by_epoch or by_time)

    def state(self) -> dict[str, Any]:
        """Return the state to store in a checkpoint, as plain values."""
        return {name: getattr(self, name) for name in _STORED}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; older checkpoints have fewer values."""
        for name in _STORED:
            setattr(self, name, state.get(name, getattr(self, name)))
        self.warnings = list(self.warnings)


_STORED = ("stopped", "warnings", "final", "origin", "keeps_checkpoints")
"""The attributes of `ActiveRun` that checkpoints have."""


class Callbacks:
    """All callbacks of a run, in the spec's order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._waiting = list(callbacks)
        self._started: list[tuple[Callback, Any]] = []

    def start(self, run: ActiveRun, saved: Sequence[dict[str, Any]] = ()) -> None:
        """Start each callback, restoring those with a saved state.

        Args:
            run: the run as callbacks see it.
            saved: what `state` returned; an entry is ignored if the callback at its position has a
                different type.
        """
        by_place = dict(enumerate(saved))
        for place, callback in enumerate(self._waiting):
            entry = by_place.get(place, {})
            if entry.get("type") == callback.type and entry.get("saved") is not None:
                state = callback.restore(run, entry["saved"])
            else:
                state = callback.start(run)
            self._started.append((callback, state))

    def observers(self) -> list[StepObserver]:
        """Return the observers of the callbacks that have one.

        Raises:
            BrokenContractError: a callback returned something else.
        """
        observers = (
            verified(Callback.observer, callback, state) for callback, state in self._started
        )
        return [observer for observer in observers if observer is not None]

    def followers(self, method: Callable[..., None]) -> list[Callable[[int], None]]:
        """Return a method of each callback that overrides it, without its last argument.

        Args:
            method: `Callback.after_update` or `Callback.epoch_trained`.
        """
        return [
            partial(getattr(callback, method.__name__), state)
            for callback, state in self._started
            if getattr(type(callback), method.__name__) is not method
        ]

    def evaluated(self) -> Callable[[Array], Array | None] | None:
        """Return what takes the trained parameters and returns those to evaluate, if there is one.

        The check of the spec reports a second callback that overrides `Callback.evaluated`.
        """
        deciding = (
            partial(_evaluated, callback, state)
            for callback, state in self._started
            if type(callback).evaluated is not Callback.evaluated
        )
        return next(deciding, None)

    def state(self) -> list[dict[str, Any]]:
        """Return the state of each callback, as plain values.

        Raises:
            BrokenContractError: a callback's state cannot be stored in a file.
        """
        return [
            {"type": callback.type, "saved": verified(Callback.save, callback, state)}
            for callback, state in self._started
        ]

    def after_epoch(self, epoch: EpochFinished) -> None:
        """Notify each callback of an epoch, logged or not."""
        for callback, state in self._started:
            callback.after_epoch(state, epoch)

    def epoch_finished(self, epoch: EpochLogged) -> None:
        """Notify each callback of a logged epoch."""
        for callback, state in self._started:
            callback.epoch_finished(state, epoch)

    def training_ended(self) -> None:
        """Notify each callback that no epoch follows."""
        for callback, state in self._started:
            callback.training_ended(state)

    def finished(self, metrics: dict[str, dict[str, float]]) -> None:
        """Notify each callback that the run has finished."""
        while self._started:
            callback, state = self._started.pop(0)
            callback.finished(state, {name: dict(values) for name, values in metrics.items()})

    def failed(self, error: BaseException) -> None:
        """Notify callbacks that started but did not finish, even if one of them raises."""
        while self._started:
            callback, state = self._started.pop(0)
            try:
                callback.failed(state, error)
            except (Exception, SystemExit) as another:  # report the run's own failure
                error.add_note(f'callback "{callback.type}" failed as well: {another}')


def _evaluated(callback: Callback, state: Any, w: Array) -> Array | None:
    return verified(Callback.evaluated, callback, state, w)
