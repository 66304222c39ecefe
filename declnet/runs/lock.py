"""Locking a run's folder so that only one process at a time works in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from declnet.errors import OutputError


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; the system releases it when the process ends or is killed.

    No lock file remains. On systems without such locks, nothing is locked.

    Raises:
        OutputError: another process holds the lock.
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
    except OSError:  # Windows cannot open folders
        return None


def _taken(descriptor: int) -> bool:
    """Return whether the lock was acquired; also True on systems without locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # unsupported on some systems and network drives
        return True
    return True
