"""Lowers the learning rate when training gets no better."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from declnet import EpochLogged, Run
from declnet_callbacks.monitored import MonitoredCallback, figure_of


@dataclass
class Plateau:
    """What is best so far, and the epoch of the last gain or reduction, or the first one."""

    run: Run
    best: float | None = None
    since: int | None = None


class ReduceOnPlateau(MonitoredCallback):
    """learning_rate *= factor, once `monitor` has not got better for `patience` epochs.

    Better is by more than `min_delta`. After a reduction another `patience` epochs must pass. The
    factor comes on top of `decay` or a schedule. Only logged epochs count.

    As Keras's `ReduceLROnPlateau` with `cooldown=0`.
    """

    type = "reduce_on_plateau"
    examples = ({}, {"monitor": "loss", "factor": 0.5, "patience": 2, "min_rate": 1e-5})

    monitor: str = Field(
        default="validation_loss", description="the figure to watch, as the history calls it"
    )
    factor: float = Field(default=0.1, gt=0, lt=1, description="what the rate is multiplied by")
    patience: int = Field(default=10, ge=1, description="epochs to wait for a better figure")
    min_delta: float = Field(default=1e-4, ge=0, description="a gain must be more than this")
    min_rate: float = Field(default=0.0, ge=0, description="no reduction goes below this rate")

    def start(self, run: Run) -> Plateau:
        """Nothing is best."""
        return Plateau(run)

    def save(self, state: Plateau) -> dict[str, Any]:
        """What is best; the run itself keeps the factor."""
        return {"best": state.best, "since": state.since}

    def restore(self, run: Run, saved: dict[str, Any]) -> Plateau:
        """What was best."""
        return Plateau(run, saved["best"], saved["since"])

    def epoch_finished(self, state: Plateau, epoch: EpochLogged) -> None:
        """Notes a gain, or waits, or lowers the rate."""
        value = figure_of(epoch, self.monitor)
        if self.is_better(value, state.best, self.min_delta):
            state.best, state.since = value, epoch.epoch
            return
        state.since = epoch.epoch if state.since is None else state.since
        if epoch.epoch - state.since < self.patience:
            return
        state.since, rate = epoch.epoch, epoch.learning_rate
        lower = max(rate * self.factor, self.min_rate)
        if 0 < lower < rate:
            state.run.scale_learning_rate(lower / rate)
