"""The settings of a process that trains or predicts: signals, and garbage collection."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATION = ("SIGTERM", "SIGHUP")


@contextmanager
def without_collections() -> Iterator[None]:
    """Import modules, and never look for unreachable objects among theirs.

    Python would do so while it imports them and when it ends, a quarter of the time of a short run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def interrupt_on_signals() -> None:
    """Treat a termination signal, and the end of the terminal, like Ctrl-C.

    Only the first one counts: a closed terminal sends several, which must not end the checkpoint
    that the first one causes. A signal that is ignored, as under `nohup`, stays ignored.
    """
    came = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        if not came:
            came = True
            raise KeyboardInterrupt

    for name in TERMINATION:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
