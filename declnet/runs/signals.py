"""Signals and deadlines, which take effect between two steps of a run."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from types import FrameType
from typing import Any

from declnet.training.concurrency import concurrent_runs

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DeadlineReached(KeyboardInterrupt):
    """The interruption of a run whose time is up; it can be resumed."""


@contextmanager
def interrupted_at(deadline: float) -> Iterator[None]:
    """Interrupt runs in the context between two steps, at the first event after a deadline.

    Args:
        deadline: as `time.time` counts seconds.
    """
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def require_time() -> None:
    """Raise DeadlineReached after the deadline of `interrupted_at`."""
    deadline = _DEADLINE.get()
    if deadline < math.inf and time.time() >= deadline:
        raise DeadlineReached


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Defer the first signal that has a Python handler, while in the context.

    After it, a Ctrl-C is delivered immediately, and other signals are dropped. Other threads get no
    signals; a run in one of several threads is interrupted by `ConcurrentRuns.stop`.

    Yields:
        A function that delivers the deferred signal or interruption, if any: it calls the handler,
        which raises KeyboardInterrupt by default.
    """
    before: dict[int, Callable[..., Any]] = {}
    waiting: list[Callable[[], Any]] = []
    others = concurrent_runs()

    def hold(number: int, frame: FrameType | None) -> None:
        deferred = partial(before[number], number, frame)
        if not waiting:
            waiting.append(deferred)
        elif number == signal.SIGINT:
            deferred()

    def deliver() -> None:
        if waiting:
            waiting.pop()()
        if others is not None:
            others.deliver()

    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            if not hasattr(signal, name):  # Windows has no SIGHUP
                continue
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, hold)
    try:
        yield deliver
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    deliver()
