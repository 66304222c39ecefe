"""Callback: what else a run does, named in `[training] callbacks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from declnet.components.arrays import Array
from declnet.components.component import Component


@dataclass(frozen=True)
class EpochLogged:
    """An epoch that is logged.

    Attributes:
        epoch: from 0.
        learning_rate: of the epoch's (last) update.
        figures: `loss`, `data_loss`, `regularization_loss` and each metric, of the epoch's own
            forward passes, before their updates; over mini-batches the mean by samples.
        validation: the same of the validation data after the epoch's last update, if there is any.
    """

    epoch: int
    learning_rate: float
    figures: dict[str, float]
    validation: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float | int]:
        """The epoch as a line of the history, validation figures under `validation_…`."""
        validation = {f"validation_{name}": value for name, value in self.validation.items()}
        rate = {"learning_rate": self.learning_rate}
        return {"epoch": self.epoch, **self.figures, **rate, **validation}


class RunningModel(Protocol):
    """What a callback may ask of the model in training."""

    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters by name."""
        ...

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """Puts parameters back, e.g. those of the best epoch."""
        ...

    def predict(self, x: Any) -> Array:
        """Predictions of the model as it is."""
        ...


class Run(Protocol):
    """The run that a callback is part of."""

    @property
    def name(self) -> str:
        """From the spec."""
        ...

    @property
    def epochs(self) -> int:
        """How many the spec asks for."""
        ...

    @property
    def directory(self) -> Path | None:
        """The run's folder, for files of the callback's own; None if nothing is written."""
        ...

    @property
    def model(self) -> RunningModel:
        """The model in training."""
        ...

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch; the run finishes as after its last one.

        Args:
            reason: in words, for the manifest.
        """
        ...


class Callback(Component):
    """Follows a run and may steer it.

    Exactly one of `finished` and `failed` ends what `start` began. What a method raises stops the
    run, which then names the callback and its distribution.
    """

    kind = "callback"

    def start(self, run: Run) -> Any:
        """Called before the first epoch; what it returns is handed to the other methods.

        The component itself is frozen: keep what changes, and `run` if it is needed, in that state.
        """
        return run

    def epoch_finished(self, state: Any, epoch: EpochLogged) -> None:
        """Called after each logged epoch (every `log_every`-th and the last)."""

    def finished(self, state: Any, metrics: dict[str, dict[str, float]]) -> None:
        """Called after the evaluation, with the finished model's figures by data set."""

    def failed(self, state: Any, error: BaseException) -> None:
        """Called when the run cannot go on, or is interrupted (`KeyboardInterrupt`)."""
