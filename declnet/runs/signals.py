"""Signals, which take effect between two steps of a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from declnet.training.alongside import alongside

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Defer the first signal that has a Python handler, while in the context.

    After it, a Ctrl-C is delivered immediately, and other signals are dropped. Other threads get no
    signals; a run alongside others is interrupted by `Alongside.stop`.

    Yields:
        A function that delivers the deferred signal or interruption, if any: it calls the handler,
        which raises KeyboardInterrupt by default.
    """
    before: dict[int, Callable[..., Any]] = {}
    waiting: list[Callable[[], Any]] = []
    others = alongside()

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
