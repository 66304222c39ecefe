"""Reduction of the learning rate on a plateau."""

from pydantic import Field

from declnet import EpochFinished
from declnet_standard.callbacks.monitored import MonitoredCallback, Watch


class ReduceOnPlateau(MonitoredCallback):
    """learning_rate *= factor, once `monitor` has not improved for `patience` epochs.

    An improvement is more than `min_delta`. After a reduction another `patience` epochs must pass.
    The factor multiplies the rate from `decay` or a schedule. Every epoch counts, logged or not.

    Equivalent to Keras's `ReduceLROnPlateau` with `cooldown=0`.
    """

    type = "reduce_on_plateau"
    examples = ({}, {"monitor": "loss", "factor": 0.5, "patience": 2, "min_rate": 1e-5})

    monitor: str = Field(
        default="validation_loss", description="the metric to watch, as the history calls it"
    )
    factor: float = Field(default=0.1, gt=0, lt=1, description="what the rate is multiplied by")
    patience: int = Field(default=10, ge=1, description="epochs to wait for an improvement")
    min_delta: float = Field(
        default=1e-4, ge=0, description="an improvement must be more than this"
    )
    min_rate: float = Field(default=0.0, ge=0, description="no reduction goes below this rate")

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
