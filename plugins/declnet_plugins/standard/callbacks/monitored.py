"""Callbacks that watch a metric after every epoch, logged or not."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from declnet import (
    Better,
    Callback,
    Diagnostic,
    EpochFinished,
    Run,
    RunContext,
    as_loss,
    suggestion,
)

_OF_VALIDATION = re.compile("^val(idation)?_")
"""How names of metrics of validation data begin, here and in other libraries."""
_BETTER: dict[str, Better] = {"min": "lower", "max": "higher"}
Monitor = Annotated[str, Field(description="the metric to watch, as the history calls it")]
"""The field for a metric."""

ADD_MODE = 'add mode = "min", mode = "max", or the best number as mode'


@dataclass
class Watch:
    """The state of a watched metric.

    Attributes:
        better: which values are better; None without a metric.
        best: the best value so far, or None.
        since: the epoch from which patience counts, or None before the first.
    """

    run: Run
    better: Better | None
    best: float | None = None
    since: int | None = None

    def improves(self, value: float, min_delta: float = 0.0) -> bool:
        """Return whether a value is better than the best by more than min_delta; NaN never is."""
        if self.best is None or self.better is None:
            return value == value  # noqa: PLR0124  # false for NaN
        return as_loss(value, self.better) < as_loss(self.best, self.better) - min_delta

    def waited(self, epoch: int) -> int:
        """Return the epochs since the best one, or since the first if none is best yet."""
        self.since = epoch if self.since is None else self.since
        return epoch - self.since


class MonitoredCallback(Callback):
    """A callback that watches `monitor`; subclasses act in `after_epoch`."""

    other_keys = {"metric": "monitor"}

    monitor: Monitor | None = "validation_loss"
    mode: Literal["min", "max"] | float | None = Field(
        default=None,
        description='whether lower ("min") or higher ("max") values are better, or the number to '
        "come close to; default: as the metric declares",
    )

    def monitors(self) -> tuple[str, ...]:
        """Return the metric."""
        return () if self.monitor is None else (self.monitor,)

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a metric that will be in the history and can improve."""
        name, known = self.monitor, context.metrics
        if name is None or not known:
            return
        if name not in known:
            message, hint = f'the run will have no metric "{name}"', _instead_of(name, known)
            yield Diagnostic(message, hint, ("monitor",), "E045")
        elif self.mode is None and known[name] is None:
            message = f'nothing says which values of "{name}" are better'
            yield Diagnostic(message, ADD_MODE, ("monitor",), "E045")

    def start(self, run: Run) -> Watch:
        """Return the state before the first epoch."""
        return Watch(run, self._better(run))

    def save(self, state: Watch) -> dict[str, Any]:
        """Return the state; the run itself saves parameters and learning rates."""
        return {"best": state.best, "since": state.since}

    def restore(self, run: Run, saved: dict[str, Any]) -> Watch:
        """Return the saved state."""
        state = self.start(run)
        state.best, state.since = saved["best"], saved["since"]
        return state

    def _better(self, run: Run) -> Better | None:
        if self.mode is not None or self.monitor is None:
            return _BETTER[self.mode] if isinstance(self.mode, str) else self.mode
        better = run.better(self.monitor)
        if better is None:
            raise ValueError(f'which values of "{self.monitor}" are better is unknown: {ADD_MODE}')
        return better


def _instead_of(name: str, known: Collection[str]) -> str:
    """Return a suggestion for a metric that does not exist."""
    without = _OF_VALIDATION.sub("", name)
    if without != name and without in known and not any(map(_OF_VALIDATION.match, known)):
        return f'add validation data, or set monitor = "{without}"'
    return suggestion(name, known, "metrics of this run")


class EarlyStopping(MonitoredCallback):
    """A stop once `monitor` has not improved by more than `min_delta` for `patience` epochs.

    The final model has the parameters of the best epoch unless `restore_best` is false, even if the
    training ends for another reason. Every epoch counts, logged or not. NaN never counts as an
    improvement.

    Equivalent to Keras's `EarlyStopping(restore_best_weights=True)` with `start_from_epoch=0`.

    Source: Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998.
    """

    type = "early_stopping"
    selects_epoch = True
    examples = (
        {},
        {"monitor": "validation_accuracy", "patience": 3},
        {"monitor": "loss", "patience": 2, "min_delta": 0.01, "restore_best": False},
    )
    other_types = ("early_stop",)
    other_keys = {"restore_best_weights": "restore_best", "tolerance": "min_delta"}

    monitor: Monitor = "validation_loss"
    patience: int = Field(default=10, ge=1, description="epochs to wait for an improvement")
    min_delta: float = Field(
        default=0.0, ge=0, description="smallest change that counts as an improvement"
    )
    restore_best: bool = Field(
        default=True, description="whether to finish with the parameters of the best epoch"
    )

    def after_epoch(self, state: Watch, epoch: EpochFinished) -> None:
        """Record an improvement, wait, or stop."""
        value = epoch.metric(self.monitor)
        if state.improves(value, self.min_delta):
            state.best, state.since = value, epoch.epoch
            if self.restore_best:
                origin = f"epoch {epoch.epoch}, with the best {self.monitor}, {value:.6g}"
                state.run.restore_parameters(state.run.model.parameters(), origin)
        elif state.waited(epoch.epoch) >= self.patience:
            over = "" if state.best is None else f" over {state.best:.6g}"
            state.run.stop(f"no improvement of {self.monitor}{over} since epoch {state.since}")


class BestEpoch(MonitoredCallback):
    """The parameters of the epoch with the best `monitor` in the finished model; never stops a run.

    Of several epochs with the same best value it takes the last or the first. With a metric of few
    values, such as the accuracy on little data, the last one has trained longest; the default is
    that of Holzmüller, Grinsztajn and Steinwart, Better by Default, arXiv:2407.04491, 2024. NaN
    never counts as the best.
    """

    type = "best_epoch"
    selects_epoch = True
    examples = ({}, {"monitor": "validation_accuracy"}, {"monitor": "loss", "ties": "first"})

    monitor: Monitor = "validation_loss"
    ties: Literal["first", "last"] = Field(
        default="last", description="which of several epochs with the best value to use"
    )

    def after_epoch(self, state: Watch, epoch: EpochFinished) -> None:
        """Keep the parameters of this epoch if it is the best."""
        value = epoch.metric(self.monitor)
        if state.improves(value) or (self.ties == "last" and value == state.best):
            state.best, state.since = value, epoch.epoch
            origin = f"epoch {epoch.epoch}, with the best {self.monitor}, {value:.6g}"
            state.run.restore_parameters(state.run.model.parameters(), origin)


class ReduceOnPlateau(MonitoredCallback):
    """learning_rate *= factor, once `monitor` has not improved for `patience` epochs.

    An improvement is more than `min_delta`. After a reduction another `patience` epochs must pass.
    The factor multiplies the rate from `decay` or a schedule. Every epoch counts, logged or not.

    Equivalent to Keras's `ReduceLROnPlateau` with `cooldown=0`.
    """

    type = "reduce_on_plateau"
    examples = ({}, {"monitor": "loss", "factor": 0.5, "patience": 2, "min_rate": 1e-5})
    other_types = ("reduce_lr_on_plateau",)
    other_keys = {"min_lr": "min_rate"}

    monitor: Monitor = "validation_loss"
    factor: float = Field(
        default=0.1, gt=0, lt=1, description="factor that the rate is multiplied by"
    )
    patience: int = Field(default=10, ge=1, description="epochs to wait for an improvement")
    min_delta: float = Field(
        default=1e-4, ge=0, description="smallest change that counts as an improvement"
    )
    min_rate: float = Field(default=0.0, ge=0, description="lower bound of the rate")

    def after_epoch(self, state: Watch, epoch: EpochFinished) -> None:
        """Record an improvement, wait, or lower the rate."""
        value = epoch.metric(self.monitor)
        if state.improves(value, self.min_delta):
            state.best, state.since = value, epoch.epoch
        elif state.waited(epoch.epoch) >= self.patience:
            state.since, rate = epoch.epoch, epoch.learning_rate
            lower = max(rate * self.factor, self.min_rate)
            if 0 < lower < rate:
                state.run.scale_learning_rate(lower / rate)


class Checkpoint(MonitoredCallback):
    """Checkpoints in `checkpoints/` in the run's folder, for `declnet resume`.

    Every epoch counts, logged or not; a checkpoint due by minutes may be written within an epoch.
    The newest `keep_last` are kept and, with `monitor`, the one from the best epoch.
    """

    type = "checkpoint"
    other_types = ("model_checkpoint",)
    writes_checkpoints = True
    examples = (
        {},
        {"every_epochs": 5, "every_minutes": 10.0, "keep_last": 3, "monitor": "validation_loss"},
    )

    every_epochs: int | None = Field(
        default=None,
        ge=1,
        description="epochs from one checkpoint to the next; absent: none are due by epoch",
    )
    every_minutes: float = Field(
        default=10.0, gt=0, description="minutes after which another checkpoint is due"
    )
    keep_last: int = Field(
        default=3, ge=1, description="number of checkpoints to keep besides the best"
    )
    monitor: str | None = Field(
        default=None, description="metric whose best epoch is also kept; absent: none"
    )

    def start(self, run: Run) -> Watch:
        """Schedule the checkpoints."""
        run.save_checkpoints(
            every_epochs=self.every_epochs,
            every_seconds=60 * self.every_minutes,
            keep_last=self.keep_last,
        )
        return super().start(run)

    def after_epoch(self, state: Watch, epoch: EpochFinished) -> None:
        """Request a checkpoint if this epoch is the best."""
        if self.monitor is not None and state.improves(value := epoch.metric(self.monitor)):
            state.best = value
            state.run.save_checkpoint(best=True)
