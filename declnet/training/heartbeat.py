"""The loop's heartbeats, their interval, and the number of batches it runs at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass

HEARTBEAT = 0.2
"""Seconds between two heartbeats."""

PART = 0.05
"""Maximum duration of a part of an epoch in seconds, unless one batch takes longer."""


@dataclass(frozen=True)
class Progressed:
    """A heartbeat between logged epochs, a few times a second.

    Attributes:
        epochs_done: finished epochs, including the finished fraction of the current one.
        epochs: the number of epochs in the training, as `Trainer.epochs`.
    """

    epochs_done: float
    epochs: int


class HeartbeatTimer:
    """A timer for heartbeats, and for the number of batches to run at a time.

    Args:
        seconds: about how long a batch takes at most.

    Attributes:
        next_beat: when the next heartbeat is due, by `time.perf_counter`.
        part: batches in the next part of an epoch: at first as many as are sure to take less than
            `PART`, then as many as it allows.
    """

    def __init__(self, seconds: float) -> None:
        self.next_beat, self.part = 0.0, max(1, int(PART / 4 / seconds))

    def begin(self) -> None:
        """Start timing when the training starts or resumes."""
        self.next_beat = time.perf_counter() + HEARTBEAT

    def is_due(self) -> bool:
        """Return whether a heartbeat is due; if so, schedule the next one."""
        due = time.perf_counter() > self.next_beat
        if due:
            self.begin()
        return due

    def took(self, batches: int, seconds: float) -> None:
        """Adjust the length of the parts to the measured time of one part."""
        if seconds > PART:
            self.part = max(1, min(self.part, int(batches * PART / seconds)))
        elif 2 * batches > self.part and seconds < PART / 2:
            self.part *= 2
