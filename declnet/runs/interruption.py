"""Holds Ctrl-C back until the training stands between two steps, so that it can be written down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM")


class Interruption:
    """The signals that arrived and have not been delivered."""

    def __init__(self) -> None:
        self._waiting: Callable[[], Any] | None = None

    def hold(self, number: int, frame: FrameType | None, handler: Callable[..., Any]) -> None:
        """Keeps the first signal for later; the second one is delivered at once."""
        if self._waiting is not None:
            handler(number, frame)
        else:
            self._waiting = lambda: handler(number, frame)

    def deliver(self) -> None:
        """Does what the signal that waits would have done, by default raise KeyboardInterrupt."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()


@contextmanager
def held_back() -> Iterator[Interruption]:
    """Holds signals back that have a handler written in Python, in the main thread.

    What the process does about other signals, and other threads, stay as they are.
    """
    interruption, before = Interruption(), {}
    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, _holding(interruption, handler))
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    interruption.deliver()


def _holding(
    interruption: Interruption, handler: Callable[..., Any]
) -> Callable[[int, FrameType | None], None]:
    return lambda number, frame: interruption.hold(number, frame, handler)
