"""Ends the training when it gets no better."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from declnet import EpochLogged, Run
from declnet_callbacks.monitored import MonitoredCallback, figure_of


@dataclass
class Waiting:
    """What is best so far, and the epoch since when it has been, or the first one if none is."""

    run: Run
    best: float | None = None
    since: int | None = None


class EarlyStopping(MonitoredCallback):
    """Stops once `monitor` has not got better by more than `min_delta` for `patience` epochs.

    The finished model has the parameters of the best epoch, unless `restore_best` is false; also
    where the training ends for another reason. Only logged epochs count, but `patience` is in
    epochs: with `log_every = 10` and `patience = 25` the third logged epoch without a gain stops.
    A figure that is NaN is no gain.

    As Keras's `EarlyStopping(restore_best_weights=True)` with `start_from_epoch=0`.

    Source: Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998.
    """

    type = "early_stopping"
    examples = (
        {},
        {"monitor": "validation_accuracy", "patience": 3},
        {"monitor": "loss", "patience": 2, "min_delta": 0.01, "restore_best": False},
    )

    monitor: str = Field(
        default="validation_loss", description="the figure to watch, as the history calls it"
    )
    patience: int = Field(default=10, ge=1, description="epochs to wait for a better figure")
    min_delta: float = Field(default=0.0, ge=0, description="a gain must be more than this")
    restore_best: bool = Field(
        default=True, description="whether the finished model is that of the best epoch"
    )

    def start(self, run: Run) -> Waiting:
        """Nothing is best."""
        return Waiting(run)

    def save(self, state: Waiting) -> dict[str, Any]:
        """What is best; the run itself keeps the parameters."""
        return {"best": state.best, "since": state.since}

    def restore(self, run: Run, saved: dict[str, Any]) -> Waiting:
        """What was best."""
        return Waiting(run, saved["best"], saved["since"])

    def epoch_finished(self, state: Waiting, epoch: EpochLogged) -> None:
        """Notes a gain, or waits, or stops."""
        value = figure_of(epoch, self.monitor)
        if self.is_better(value, state.best, self.min_delta):
            state.best, state.since = value, epoch.epoch
            if self.restore_best:
                state.run.restore_parameters(state.run.model.parameters())
            return
        state.since = epoch.epoch if state.since is None else state.since
        if epoch.epoch - state.since >= self.patience:
            best = "a finite one" if state.best is None else f"{state.best:.6g}"
            state.run.stop(
                f"{self.monitor} has not got better than {best} since epoch {state.since}"
            )
