"""The process of a command: signals, garbage collection, and the confirmation of its end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from mmap import mmap
from time import monotonic
from types import FrameType
from typing import NoReturn

INTERRUPTION = ("SIGINT", "SIGTERM", "SIGHUP")
FORWARDED = (*INTERRUPTION, "SIGUSR1", "SIGUSR2")


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
    that the first one causes. Ctrl-C interrupts that too, if it comes a second later; before that,
    it may be one signal to both a process and its group. An ignored signal, as under `nohup`, stays
    ignored.
    """
    first: float | None = None

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if first is None or (number == signal.SIGINT and monotonic() - first > 1.0):
            first = first or monotonic()
            raise KeyboardInterrupt

    for name in INTERRUPTION:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def run_confirmed(command: Callable[[], int], on_lost_end: Callable[[str], None]) -> NoReturn:
    """Run a command in a child process, and end this process as the command ends.

    A component may end its process without an exception, by `os._exit` or a crash in native code.
    Nothing in that process runs afterwards, and `os._exit(0)` would pass for success. So the child
    confirms that the command has returned. It is killed with its parent, which only Linux offers:
    elsewhere this process runs the command, and nothing confirms its end.

    Args:
        command: what to run; it returns an exit code.
        on_lost_end: called with the exit code or signal of a child that ended before the command,
            unless it is a signal that interrupts.
    """
    if sys.platform != "linux":
        sys.exit(command())
    signals = {getattr(signal, name) for name in FORWARDED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *signals})
    confirmation = mmap(-1, 1)  # shared; a pipe would take the descriptor of a closed stream
    parent, child = os.getpid(), os.fork()
    if child == 0:
        _die_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            sys.exit(command())
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # Python's own end has no handlers
            confirmation[0] = 1
    status = _wait_for(child, signals)
    confirmed = confirmation[0] == 1
    if not confirmed and -status not in signals:
        how = f"exit code {status}" if status >= 0 else signal.Signals(-status).name
        on_lost_end(how)
    if status < 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(parent, -status)
    sys.exit(status if confirmed else status or 1)


def _die_with(parent: int) -> None:
    """Let the system kill this process when its parent ends."""
    from ctypes import CDLL

    PR_SET_PDEATHSIG = 1  # its name in C
    CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _wait_for(child: int, signals: set[signal.Signals]) -> int:
    """Forward blocked signals to a child until it ends; return its exit code or negative signal."""
    while True:
        received = signal.sigwaitinfo({signal.SIGCHLD, *signals})
        if received.si_signo != signal.SIGCHLD:
            if received.si_pid:  # 0: the terminal, which has sent it to the child too
                os.kill(child, received.si_signo)
        elif (ended := os.waitpid(child, os.WNOHANG))[0]:
            return os.waitstatus_to_exitcode(ended[1])
