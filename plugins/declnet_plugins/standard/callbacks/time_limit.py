"""A time limit for the training."""

import time
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from declnet import Callback, EpochFinished, Run


@dataclass
class Clock:
    """The start of the training in clock seconds, as if it had never been interrupted."""

    run: Run
    begun: float


class TimeLimit(Callback):
    """A stop after the first epoch that ends later than `minutes` after the beginning.

    Every epoch counts, logged or not. Only running time counts, also in a resumed run. The result
    depends on the speed of the machine: this is the only callback that makes a run irreproducible.
    """

    type = "time_limit"
    examples = ({"minutes": 30.0},)

    minutes: float = Field(gt=0, description="maximum duration of the training in minutes")

    def start(self, run: Run) -> Clock:
        """Return the start time."""
        return Clock(run, time.monotonic())

    def save(self, state: Clock) -> dict[str, Any]:
        """Return the elapsed seconds."""
        return {"seconds": time.monotonic() - state.begun}

    def restore(self, run: Run, saved: dict[str, Any]) -> Clock:
        """Continue counting from the saved time."""
        return Clock(run, time.monotonic() - saved["seconds"])

    def after_epoch(self, state: Clock, epoch: EpochFinished) -> None:
        """Stop if the time is up."""
        if time.monotonic() - state.begun >= 60 * self.minutes:
            state.run.stop(f"reached the time limit of {self.minutes:g} minutes")
