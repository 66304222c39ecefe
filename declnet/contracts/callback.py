"""Callback: follows a run, named in `[training] callbacks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.metric import Better
from declnet.contracts.serialization import is_plain_dict
from declnet.errors import Renamed


@dataclass(frozen=True)
class EpochFinished:
    """What is known of an epoch that is over.

    Attributes:
        epoch: from 0.
        learning_rate: of the epoch's (last) update.
        metrics: of the training data, from the epoch's own forward passes, before their updates;
            over mini-batches the mean by samples. Of an epoch that is not logged, only those that a
            callback monitors.
        validation: the same of the validation data after the epoch's last update, if there is any.
    """

    epoch: int
    learning_rate: float
    metrics: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)

    if not TYPE_CHECKING:  # type checkers report this name
        figures = Renamed("metrics")

    def row(self) -> dict[str, float | int]:
        """The epoch as a line of the history, validation metrics under `validation_…`."""
        validation = {f"validation_{name}": value for name, value in self.validation.items()}
        rate = {"learning_rate": self.learning_rate}
        return {"epoch": self.epoch, **self.metrics, **rate, **validation}

    def metric(self, name: str) -> float:
        """Return a metric by its name in the history; raise ValueError if there is none."""
        row = self.row()
        if name not in row:
            raise ValueError(f'epoch {self.epoch} has no metric "{name}", but {", ".join(row)}')
        return float(row[name])


@dataclass(frozen=True)
class EpochLogged(EpochFinished):
    """An epoch that is logged: with the loss, its parts and every metric of the run.

    `metrics` has `loss`, `data_loss`, `regularization_loss` and each metric by its name.
    """


class RunningModel(Protocol):
    """What a callback may ask of the model in training."""

    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters by name."""
        ...

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """Puts parameters back, e.g. those of the best epoch."""
        ...

    def predict(self, x: Any) -> Array:
        """Return the output of the model as it is, before `Loss.predictions`."""
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

    def better(self, name: str) -> Better | None:
        """Say whether `"higher"` or `"lower"` values of a metric are better; None if unknown.

        Args:
            name: as the history has it, e.g. `validation_loss`.
        """
        ...

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch; the run finishes as after its last one.

        Args:
            reason: in words, for the manifest.
        """
        ...

    def scale_learning_rate(self, factor: float) -> None:
        """Multiplies every learning rate from now on, on top of what was asked for before.

        Args:
            factor: e.g. 0.5.
        """
        ...

    def restore_parameters(self, parameters: Mapping[str, Array] | None) -> None:
        """Asks that the finished model has these parameters in place of the last ones.

        They are put in place when the training has ended, however it ends, before the evaluation;
        a checkpoint keeps them. What was asked for last counts.

        Args:
            parameters: as `model.parameters()` gave them; None for the last ones after all.
        """
        ...

    def save_checkpoint(self, best: bool = False) -> None:
        """Writes a checkpoint once all callbacks have been told of this epoch.

        Args:
            best: whether it is the best so far, which is kept until another one is.
        """
        ...

    def save_checkpoints(
        self,
        *,
        every_epochs: int | None = None,
        every_seconds: float | None = None,
        keep_last: int = 3,
    ) -> None:
        """Writes checkpoints from now on: in epochs that are not logged, and within epochs too.

        Without a folder this does nothing. Of what several callbacks ask for, all is done.

        Args:
            every_epochs: after each epoch number that this divides, counted from 1.
            every_seconds: when so long has passed since the last one.
            keep_last: how many are kept, besides the best.
        """
        ...


class Callback(Component):
    """Follows a run and may steer it.

    `start`, or `restore` in a run that is resumed, begins what exactly one of `finished` and
    `failed` ends. What a method raises stops the run, which then names the callback and its
    distribution.
    """

    kind = "callback"

    works_outside: ClassVar[bool] = False
    """Whether it works outside the run's folder, e.g. on a server; the conformance kit, which plays
    runs for it, then leaves it alone."""

    def start(self, run: Run) -> Any:
        """Called before the first epoch; what it returns is handed to the other methods.

        The component itself is frozen: keep what changes, and `run` if it is needed, in that state.
        """
        return run

    def save(self, state: Any) -> dict[str, Any] | None:
        """What a checkpoint keeps of the state: a dict of JSON values, NumPy arrays, lists of such.

        By default a state that is such a dict itself. Of any other nothing is kept (None), and a
        run that is resumed calls `start` again: right for a callback that only tells what it sees,
        wrong for one that remembers.
        """
        return state if is_plain_dict(state) else None

    def restore(self, run: Run, saved: dict[str, Any]) -> Any:  # noqa: ARG002
        """Called in place of `start` when a run is resumed; returns the state that gave `saved`.

        Epochs after the checkpoint are told again: cut off what was written of them.
        """
        return saved

    def monitors(self) -> tuple[str, ...]:
        """Name the metrics that `after_epoch` needs, as the history has them; default: none.

        These are computed after every epoch, those of the validation data too; others only when an
        epoch is logged.
        """
        return ()

    def after_epoch(self, state: Any, epoch: EpochFinished) -> None:
        """Called after every epoch, logged or not, with at least the metrics of `monitors`.

        Training pauses after epochs that are not logged only for a callback that overrides this
        method, and whose `monitors`, if it overrides that too, names a metric.
        """

    def epoch_finished(self, state: Any, epoch: EpochLogged) -> None:
        """Called after each logged epoch (every `log_every`-th, the last), after `after_epoch`."""

    def finished(self, state: Any, metrics: dict[str, dict[str, float]]) -> None:
        """Called after the evaluation, with the finished model's figures by data set."""

    def failed(self, state: Any, error: BaseException) -> None:
        """Called when the run cannot go on, or is interrupted (`KeyboardInterrupt`)."""
