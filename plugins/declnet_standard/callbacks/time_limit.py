"""Ends the training when it has taken long enough."""

import time
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from declnet import Callback, EpochFinished, Run


@dataclass
class Clock:
    """When the training would have begun, had it never been stopped; seconds of a clock."""

    run: Run
    begun: float


class TimeLimit(Callback):
    """Stops after the first epoch that ends later than `minutes` after the beginning.

    Every epoch counts, logged or not, and only the time in which the run is at work, in a run that
    is resumed too. What such a run learns depends on how fast the machine is: of all callbacks,
    this one makes it irreproducible.
    """

    type = "time_limit"
    examples = ({"minutes": 30.0},)

    minutes: float = Field(gt=0, description="of training")

    def start(self, run: Run) -> Clock:
        """Look at the clock."""
        return Clock(run, time.monotonic())

    def save(self, state: Clock) -> dict[str, Any]:
        """Return the seconds so far."""
        return {"seconds": time.monotonic() - state.begun}

    def restore(self, run: Run, saved: dict[str, Any]) -> Clock:
        """Go on counting."""
        return Clock(run, time.monotonic() - saved["seconds"])

    def after_epoch(self, state: Clock, epoch: EpochFinished) -> None:
        """Stop if it is late."""
        if time.monotonic() - state.begun >= 60 * self.minutes:
            state.run.stop(f"the time limit of {self.minutes:g} minutes is over")
