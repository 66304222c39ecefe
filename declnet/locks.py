"""Locks of a whole process, for code that may fork while another thread holds one."""

from __future__ import annotations

import os
from collections import Counter
from threading import Condition, RLock, get_ident
from weakref import WeakSet

PATIENCE = 1.0
"""Seconds that a fork by a thread with a lock waits for others, which may be waiting for it."""


class ForkSafeLock:
    """A reentrant lock that no other thread holds when the process forks.

    A child has only the thread that forked. A lock that another thread held would stay locked in
    it, and what that lock protects would stay half done, such as a module that was being imported.
    So a fork waits until no other thread holds any of these locks. A thread that forks with a lock
    may be what others wait for: then it forks after a second, and the child gets their locks free.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        _forks.locks.add(self)

    def __enter__(self) -> None:
        """Take the lock."""
        _forks.wait_and_enter()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        self._lock.release()
        _forks.leave()

    def free(self) -> None:
        """Free the lock in a child, unless the thread that forked holds it."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = RLock()


class _Forks:
    """Lets a thread fork when no other one holds a lock, and take a first lock when none forks."""

    def __init__(self) -> None:
        self.locks = WeakSet[ForkSafeLock]()
        self._changed = Condition()
        self._holding = Counter[int]()
        self._forking: int | None = None
        self._is_registered = False

    def wait_and_enter(self) -> None:
        """Count a lock that this thread takes, once no other thread forks."""
        thread = get_ident()
        with self._changed:
            if not self._is_registered and hasattr(os, "register_at_fork"):
                self._is_registered = True
                os.register_at_fork(
                    before=self._before, after_in_parent=self._after, after_in_child=self._in_child
                )
            self._changed.wait_for(lambda: self._holding[thread] or self._may_fork(thread))
            self._holding[thread] += 1

    def leave(self) -> None:
        """Stop counting a lock."""
        thread = get_ident()
        with self._changed:
            self._holding[thread] -= 1
            if not self._holding[thread]:
                del self._holding[thread]
                self._changed.notify_all()

    def _may_fork(self, thread: int) -> bool:
        return self._forking in (None, thread)

    def _before(self) -> None:
        thread = get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._may_fork(thread))
            self._forking = thread
            patience = PATIENCE if self._holding[thread] else None
            self._changed.wait_for(lambda: not (+self._holding).keys() - {thread}, patience)

    def _after(self) -> None:
        with self._changed:
            self._forking = None
            self._changed.notify_all()

    def _in_child(self) -> None:
        thread = get_ident()
        self._changed, self._forking = Condition(), None  # other threads may have held it
        self._holding = Counter({thread: self._holding[thread]})
        for lock in self.locks:
            lock.free()


_forks = _Forks()
