"""Sees to it that one process at a time is at work in a run's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from declnet.errors import OutputError


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Holds the lock of a run's folder, which the system frees when the process ends or is killed.

    It leaves no file. Where the system has no such locks, nothing is held.

    Raises:
        OutputError: another process holds it.
    """
    descriptor = _opened(directory)
    try:
        if descriptor is not None and not _taken(descriptor):
            message = f"{directory}: another process is at work on this run; wait for it or stop it"
            raise OutputError(message)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _opened(directory: Path) -> int | None:
    try:
        return os.open(directory, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return None


def _taken(descriptor: int) -> bool:
    """Whether nobody else had the lock; also true where there are none."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # some systems and network drives have none
        return True
    return True
