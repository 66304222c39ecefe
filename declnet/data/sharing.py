"""Data shared by the runs of a process: seeds, folds and the points of a sweep."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from operator import is_
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np

from declnet.contracts.data.data_source import Dataset, DataSource
from declnet.contracts.data.table import Table
from declnet.spec.streams import DataSet, Stream, random_stream

Load = Callable[[np.random.Generator], Dataset | Table]
"""Load a source with a random stream, as arrays to be read only."""

KEPT = 8
"""The most data sets that are kept as loaded: those loaded last."""

KEPT_BYTES = 1 << 28
"""Upper bound for the bytes of prepared data kept; the most recent data is kept."""

KEPT_RESULTS = 8
"""Maximum number of results of a kind that are kept: those used last. Runs of one spec follow
each other, and each comparison of specs takes time."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A data set as loaded.

    Attributes:
        seed: the seed that it was loaded with; None if the source drew no random numbers.
    """

    source: DataSource
    data_set: DataSet
    seed: int | None
    data: Dataset | Table


@dataclass(frozen=True, eq=False)
class _Made(Generic[Result]):
    """A result derived from loaded data, or from other objects that runs share.

    Attributes:
        loaded: what is compared by identity.
        key: what kind of result it is, and the other values that it depends on.
        size: in bytes.
    """

    loaded: tuple[object, ...]
    key: tuple[object, ...]
    size: int
    result: Result


class SharedData:
    """Data sets that have been loaded, for other runs with the same sources.

    A source that draws from its random stream is loaded for each seed; any other one, such as a
    file, once. Nothing else says whether the data depends on the seed.
    """

    def __init__(self) -> None:
        self._loaded: deque[_Loaded] = deque(maxlen=KEPT)
        self._made: list[_Made[Any]] = []  # those used last at the end
        self._lock = Lock()  # also lets threads wait for the data that another one loads

    def load(self, source: DataSource, seed: int, data_set: DataSet, load: Load) -> Dataset | Table:
        """Return a data set, which is loaded unless it has been."""
        with self._lock:
            for each in self._loaded:
                wanted = each.data_set == data_set and each.seed in (None, seed)
                if wanted and each.source == source:
                    return each.data
            rng = random_stream(seed, Stream.DATA, data_set)
            before = _state(rng)
            data = load(rng)
            drawn = seed if _state(rng) != before else None
            self._loaded.append(_Loaded(source, data_set, drawn, data))
            return data

    def made(
        self,
        loaded: Sequence[object],
        key: tuple[object, ...],
        make: Callable[[], tuple[Result, int]],
    ) -> Result:
        """Return a result derived from loaded data, computed only once.

        Args:
            loaded: the data sets, as `load` returned them, or other objects that runs share.
            key: what kind of result it is, and everything else that it depends on.
            make: makes it, and returns its size in bytes.
        """
        objects = tuple(loaded)
        with self._lock:
            for made in reversed(self._of_kind(key[0])):
                same = len(made.loaded) == len(objects) and all(map(is_, made.loaded, objects))
                if same and made.key == key:
                    self._made.remove(made)
                    self._made.append(made)
                    result: Result = made.result
                    return result
        result, size = make()
        with self._lock:
            for made in self._of_kind(key[0])[: 1 - KEPT_RESULTS]:
                self._made.remove(made)
            self._made.append(_Made(objects, key, size, result))
            while sum(made.size for made in self._made) > KEPT_BYTES:
                del self._made[0]
        return result

    def _of_kind(self, kind: object) -> list[_Made[Any]]:
        return [made for made in self._made if made.key[0] == kind]


def _state(rng: np.random.Generator) -> tuple[Any, ...]:
    """Return what changes when numbers are drawn from a generator, or others are made from it."""
    return rng.bit_generator.state, getattr(rng.bit_generator.seed_seq, "n_children_spawned", 0)


_CURRENT: ContextVar[SharedData | None] = ContextVar("shared_data", default=None)


def shared_data() -> SharedData | None:
    """Return the data that runs in this context share; None if each loads its own."""
    return _CURRENT.get()


def made_once(
    loaded: Sequence[object],
    key: tuple[object, ...],
    make: Callable[[], Result],
    size: Callable[[Result], int] = lambda _: 0,
) -> Result:
    """Return what `make` returns; runs that share data make it once.

    Args:
        loaded: the shared objects that it is derived from, compared by identity.
        key: a word for the kind of result, and everything else that it depends on, compared by
            value.
        make: makes it. Runs only read it.
        size: returns its size in bytes.
    """
    shared = shared_data()
    if shared is None:
        return make()

    def sized() -> tuple[Result, int]:
        result = make()
        return result, size(result)

    return shared.made(loaded, key, sized)


@contextmanager
def sharing_data(data: SharedData | None = None) -> Iterator[None]:
    """Let all runs in this context share the data they load, and threads that copy it.

    Args:
        data: what other contexts have loaded; None for nothing.
    """
    token = _CURRENT.set(_CURRENT.get() or data or SharedData())
    try:
        yield
    finally:
        _CURRENT.reset(token)
