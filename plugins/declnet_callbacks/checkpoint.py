"""Writes down where the training stands, so that it can go on from there."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from declnet import EpochLogged, Run
from declnet_callbacks.monitored import MonitoredCallback, figure_of


@dataclass
class Best:
    """The best figure so far."""

    run: Run
    value: float | None = None


class Checkpoint(MonitoredCallback):
    """Writes checkpoints to `checkpoints/` in the run's folder, for `declnet resume`.

    `every_epochs` and `every_minutes` count in epochs that are not logged, and the minutes within
    an epoch too. The newest `keep_last` are kept and, with `monitor`, the one of the best logged
    epoch.
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
        default=None, description="the figure that says which is the best; absent: none is"
    )

    def start(self, run: Run) -> Best:
        """Says when to write."""
        run.save_checkpoints(
            every_epochs=self.every_epochs,
            every_seconds=60 * self.every_minutes,
            keep_last=self.keep_last,
        )
        return Best(run)

    def save(self, state: Best) -> dict[str, Any]:
        """The best figure."""
        return {"best": state.value}

    def restore(self, run: Run, saved: dict[str, Any]) -> Best:
        """Says when to write, again."""
        state = self.start(run)
        state.value = saved["best"]
        return state

    def epoch_finished(self, state: Best, epoch: EpochLogged) -> None:
        """Asks for one if this epoch is the best."""
        if self.monitor is None:
            return
        value = figure_of(epoch, self.monitor)
        if self.is_better(value, state.value):
            state.value = value
            state.run.save_checkpoint(best=True)
