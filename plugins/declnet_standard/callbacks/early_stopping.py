"""Early stopping of the training."""

from pydantic import Field

from declnet import EpochFinished
from declnet_standard.callbacks.monitored import MonitoredCallback, Watch


class EarlyStopping(MonitoredCallback):
    """Stops once `monitor` has not improved by more than `min_delta` for `patience` epochs.

    The final model has the parameters of the best epoch unless `restore_best` is false, even if the
    training ends for another reason. Every epoch counts, logged or not. NaN never counts as an
    improvement.

    Equivalent to Keras's `EarlyStopping(restore_best_weights=True)` with `start_from_epoch=0`.

    Source: Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998.
    """

    type = "early_stopping"
    examples = (
        {},
        {"monitor": "validation_accuracy", "patience": 3},
        {"monitor": "loss", "patience": 2, "min_delta": 0.01, "restore_best": False},
    )

    monitor: str = Field(
        default="validation_loss", description="the metric to watch, as the history calls it"
    )
    patience: int = Field(default=10, ge=1, description="epochs to wait for an improvement")
    min_delta: float = Field(default=0.0, ge=0, description="an improvement must be more than this")
    restore_best: bool = Field(
        default=True, description="whether the finished model is that of the best epoch"
    )

    def after_epoch(self, state: Watch, epoch: EpochFinished) -> None:
        """Record an improvement, wait, or stop."""
        value = epoch.metric(self.monitor)
        if state.improves(value, self.min_delta):
            state.best, state.since = value, epoch.epoch
            if self.restore_best:
                state.run.restore_parameters(state.run.model.parameters())
        elif state.waited(epoch.epoch) >= self.patience:
            over = "" if state.best is None else f" over {state.best:.6g}"
            state.run.stop(f"no improvement of {self.monitor}{over} since epoch {state.since}")
