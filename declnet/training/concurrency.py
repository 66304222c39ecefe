"""Runs that train at the same time in threads of one process.

Such a run uses one thread, and is interrupted by an event that is checked between two steps, since
only the main thread gets signals. BLAS has one limit of threads per process, set around all runs.
"""

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
class ConcurrentRuns:
    """What the runs in a thread share; each uses one thread unless its spec says how many.

    Attributes:
        stop: set to interrupt them, each between two steps.
    """

    stop: Event = field(default_factory=Event)

    def deliver(self) -> None:
        """Raise KeyboardInterrupt if the runs should stop."""
        if self.stop.is_set():
            raise KeyboardInterrupt


_CURRENT: ContextVar[ConcurrentRuns | None] = ContextVar("concurrent_runs", default=None)


def concurrent_runs() -> ConcurrentRuns | None:
    """Return what the runs of this thread share; None if a run has the process to itself."""
    return _CURRENT.get()


@contextmanager
def running_concurrently(runs: ConcurrentRuns) -> Iterator[None]:
    """Make the runs of this thread some of several."""
    token = _CURRENT.set(runs)
    try:
        yield
    finally:
        _CURRENT.reset(token)
