"""A check: a function with a name and a sentence that says what it proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from declnet.testing.subjects import Subject


@dataclass(frozen=True)
class Check:
    """One thing that a contract promises.

    Attributes:
        name: as reports and expected failures write it.
        summary: what the component does if the check passes, in a sentence.
        function: takes a subject; raises CheckFailed or CheckSkipped, or returns.
    """

    name: str
    summary: str
    function: Callable[[Subject], None]

    def __call__(self, subject: Subject) -> None:
        """Runs it."""
        self.function(subject)


def check(function: Callable[[Subject], None]) -> Check:
    """Makes a check of a function, by its name and docstring."""
    summary = (function.__doc__ or "").strip().splitlines()[0]
    return Check(function.__name__, summary, function)
