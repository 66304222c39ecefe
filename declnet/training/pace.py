"""How long training works at a time before it looks up."""

from __future__ import annotations

import time

SIGN_OF_LIFE = 0.2
"""Seconds between two signs of life."""

PART = 0.05
"""Seconds that a part of an epoch takes at most, unless one batch takes longer."""


class Pace:
    """Says when a sign of life is due, and how many batches to do at a time.

    Attributes:
        next_sign: when one is due, by `time.perf_counter`.
        part: batches of the next part of an epoch: few at first, then as many as `PART` allows.
    """

    def __init__(self) -> None:
        self.next_sign, self.part = 0.0, 1

    def begin(self) -> None:
        """The training begins, or goes on."""
        self.next_sign = time.perf_counter() + SIGN_OF_LIFE

    def sign_is_due(self) -> bool:
        """Whether it is time for a sign of life; if so, the next one is due later."""
        due = time.perf_counter() > self.next_sign
        if due:
            self.begin()
        return due

    def took(self, batches: int, seconds: float) -> None:
        """Makes the parts longer or shorter, after one of so many batches took so long."""
        if seconds > PART:
            self.part = max(1, min(self.part, int(batches * PART / seconds)))
        elif batches == self.part and seconds < PART / 2:
            self.part *= 2
