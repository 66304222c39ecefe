"""The time to verify that components still do what an engine has recorded."""

from __future__ import annotations

import time

from declnet.contracts.execution.engine import CompiledCalls

SHARE = 0.02
"""The part of the training time that verification may take."""

GROWTH = 2.0
"""How many times as long the training has taken at one verification as at the one before."""

FIRST, STEPS = 2e-4, 5
"""Seconds to verify a method, and steps that take as long as all of them together, about, before it
has been measured."""


class RecordingVerifier:
    """Verifies recorded methods each time the training has taken twice as long, and at its end.

    It depends on the time only when they are verified, and no result depends on that.
    """

    def __init__(self) -> None:
        self._spent = self._seconds_a_method = self._next = self._start = 0.0
        self._first_step = 0

    def begin(self, step: int) -> None:
        """Start timing when the training starts or resumes, after so many steps."""
        self._start, self._first_step = time.perf_counter(), step

    def verify(self, *compiled: CompiledCalls, step: int, last: bool) -> None:
        """Verify what is recorded if it is time.

        Args:
            compiled: the calls of a step and of an update.
            step: the steps made.
            last: whether the training ends.

        Raises:
            BrokenContractError: a component does something else than when it was recorded.
        """
        recorded = [method for calls in compiled for method in calls.recorded]
        now = time.perf_counter()
        passed = now - self._start
        if not recorded or (passed < self._next and not last):
            return
        cost = len(recorded) * self._seconds_a_method
        if not cost:
            cost = max(len(recorded) * FIRST, STEPS * passed / (step - self._first_step))
        if self._spent + cost > SHARE * passed:
            return
        for method in recorded:
            method.verify()
        seconds = time.perf_counter() - now
        self._spent += seconds
        self._seconds_a_method, self._next = seconds / len(recorded), GROWTH * passed
