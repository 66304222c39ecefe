"""A run that trains in a thread, alongside other runs of the same process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event

WORKER_START = 0.7
"""Seconds that worker processes take to start, about."""

LIMITS = ("DECLNET_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that limit the number of threads."""


def usable_cores() -> int:
    """Return on how many cores this process may run, or fewer if a variable of `LIMITS` says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [int(os.environ[name]) for name in LIMITS if os.environ.get(name, "").isdecimal()]
    return max(1, min([cores or 1, *limits]))


@dataclass(frozen=True, eq=False)
class Alongside:
    """The settings that the runs in the threads of a process share.

    Each uses one thread unless its spec says how many. One thread at a time has the interpreter, so
    runs that need it much are better trained in processes.

    Attributes:
        stop: set to interrupt all of them, each between two steps.
        jobs: how many train at once.
        runs: the total number of runs.
    """

    stop: Event = field(default_factory=Event)
    jobs: int = 1
    runs: int = 1

    def waiting(self, python: float, native: float) -> float:
        """Return how many seconds longer the runs take than in processes that are ready.

        Args:
            python: the seconds that each of them needs the interpreter.
            native: the other seconds of each.
        """
        return self.runs * max(0.0, python - (python + native) / self.jobs)

    def deliver(self) -> None:
        """Raise KeyboardInterrupt if the runs should stop."""
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
