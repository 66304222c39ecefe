"""Checkpoints, from which a run can be resumed."""

from pydantic import Field

from declnet import EpochFinished, Run
from declnet_standard.callbacks.monitored import MonitoredCallback, Watch


class Checkpoint(MonitoredCallback):
    """Writes checkpoints to `checkpoints/` in the run's folder, for `declnet resume`.

    Every epoch counts, logged or not; a checkpoint due by minutes may be written within an epoch.
    The newest `keep_last` are kept and, with `monitor`, the one from the best epoch.
    """

    type = "checkpoint"
    examples = (
        {},
        {"every_epochs": 5, "every_minutes": 10.0, "keep_last": 3, "monitor": "validation_loss"},
    )

    every_epochs: int | None = Field(
        default=None, ge=1, description="after each so many epochs; absent: never for that reason"
    )
    every_minutes: float = Field(
        default=10.0, gt=0, description="when so long has passed since the last one"
    )
    keep_last: int = Field(default=3, ge=1, description="how many are kept besides the best")
    monitor: str | None = Field(
        default=None, description="the metric whose best epoch is kept too; absent: none is"
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
