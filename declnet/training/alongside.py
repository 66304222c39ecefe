"""A run that trains in a thread, beside other runs of the same process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event

LIMITS = ("DECLNET_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that limit the number of threads."""


def usable_cores() -> int:
    """Return on how many cores this process may run, or fewer if a variable of `LIMITS` says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [int(os.environ[name]) for name in LIMITS if os.environ.get(name, "").isdecimal()]
    return max(1, min([cores or 1, *limits]))


@dataclass(frozen=True, eq=False)
class Alongside:
    """What the runs in the threads of a process have in common.

    Each uses one thread unless its spec says how many, and only runs that seldom need Python may
    train this way, since one thread at a time has the interpreter.

    Attributes:
        stop: set to interrupt all of them, each between two steps.
    """

    stop: Event = field(default_factory=Event)

    def deliver(self) -> None:
        """Raise KeyboardInterrupt if the runs are to stop."""
        if self.stop.is_set():
            raise KeyboardInterrupt


class PythonNeededError(Exception):
    """A run that was to train in a thread needs Python too often; nothing was written.

    Attributes:
        seconds: how long it takes, estimated.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


_CURRENT: ContextVar[Alongside | None] = ContextVar("alongside", default=None)


def alongside() -> Alongside | None:
    """Return what this thread's run has in common with others; None if it has the process."""
    return _CURRENT.get()


@contextmanager
def beside_others(runs: Alongside) -> Iterator[None]:
    """Let runs of this thread count as some of several."""
    token = _CURRENT.set(runs)
    try:
        yield
    finally:
        _CURRENT.reset(token)
