"""Results that the runs of a process share: data, checks, plans and kernels, computed once.

The seeds and folds of a spec and the points of a sweep have most of these in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from operator import is_
from threading import Lock
from typing import Any, Generic, TypeVar

MOST_BYTES = 1 << 28
"""Upper bound for the bytes of all cached results; the oldest ones go first."""

MOST_RESULTS = 8
"""Maximum number of cached results of a kind: those used last. Runs of one spec follow each other,
and each comparison of specs takes time."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Entry(Generic[Result]):
    objects: tuple[object, ...]
    key: tuple[object, ...]
    size: int
    result: Result

    def fits(self, objects: tuple[object, ...], key: tuple[object, ...]) -> bool:
        same = len(self.objects) == len(objects) and all(map(is_, self.objects, objects))
        return same and self.key == key


class ResultCache:
    """The results of some runs, by what they were computed from; thread-safe."""

    def __init__(self) -> None:
        self._entries: list[_Entry[Any]] = []  # those used last at the end
        self._lock = Lock()

    def once(
        self,
        objects: Sequence[object],
        key: tuple[object, ...],
        compute: Callable[[], Result],
        size: Callable[[Result], int],
    ) -> Result:
        """Return a result as `computed_once` does; concurrent threads get the same result."""
        objects = tuple(objects)
        with self._lock:
            entry = self._used(objects, key)
        if entry is None:
            result = compute()
            new = _Entry(objects, key, size(result), result)
            with self._lock:
                entry = self._used(objects, key) or self._added(new)
        cached: Result = entry.result
        return cached

    def _used(self, objects: tuple[object, ...], key: tuple[object, ...]) -> _Entry[Any] | None:
        """Return an entry, which becomes the one used last; None if there is none."""
        entry: _Entry[Any]
        for entry in reversed(self._of_kind(key[0])):
            if entry.fits(objects, key):
                self._entries.remove(entry)
                self._entries.append(entry)
                return entry
        return None

    def _added(self, new: _Entry[Result]) -> _Entry[Result]:
        """Add an entry and return it; remove older ones that exceed the limits."""
        for entry in self._of_kind(new.key[0])[: 1 - MOST_RESULTS]:
            self._entries.remove(entry)
        self._entries.append(new)
        excess = sum(entry.size for entry in self._entries) - MOST_BYTES
        for entry in [entry for entry in self._entries if entry.size]:
            if excess > 0:
                self._entries.remove(entry)
                excess -= entry.size
        return new

    def _of_kind(self, kind: object) -> list[_Entry[Any]]:
        return [entry for entry in self._entries if entry.key[0] == kind]


_CACHE: ContextVar[ResultCache | None] = ContextVar("result_cache", default=None)


def shares_results() -> bool:
    """Return whether the runs in this context share results."""
    return _CACHE.get() is not None


def computed_once(
    objects: Sequence[object],
    key: tuple[object, ...],
    compute: Callable[[], Result],
    size: Callable[[Result], int] = lambda _: 0,
) -> Result:
    """Return what `compute` returns; runs that share results compute it once.

    Args:
        objects: what the result is computed from, compared by identity.
        key: what kind of result it is, and all other values that it depends on.
        compute: returns the result, which its users do not change.
        size: returns the size of a result in bytes, if it matters.
    """
    cache = _CACHE.get()
    return compute() if cache is None else cache.once(objects, key, compute, size)


@contextmanager
def sharing_results(cache: ResultCache | None = None) -> Iterator[None]:
    """Let all runs in this context share results, also those in threads that copy the context.

    Args:
        cache: the results so far; default: none. Within another such context, its results are used.
    """
    token = _CACHE.set(_CACHE.get() or cache or ResultCache())
    try:
        yield
    finally:
        _CACHE.reset(token)
