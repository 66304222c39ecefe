"""Data that several runs of a process load once: seeds, folds and the points of a sweep."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from declnet.contracts.data.data_source import Dataset, DataSource
from declnet.contracts.data.table import Table
from declnet.spec.streams import DataSet, Stream, random_stream

Load = Callable[[DataSource, np.random.Generator], Dataset | Table]
"""Load a source with a random stream."""

KEPT = 8
"""The most data sets that are kept, those loaded last."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A data set as loaded.

    Attributes:
        source: the type of the source and its fields.
        seed: the seed that it was loaded with; None if the source drew no random numbers.
    """

    source: tuple[type[DataSource], str]
    data_set: DataSet
    seed: int | None
    data: Dataset | Table


class SharedData:
    """Data sets that have been loaded, for other runs with the same sources.

    A source that draws from its random stream is loaded for each seed; any other one, such as a
    file, once. Nothing else says whether the data depends on the seed.
    """

    def __init__(self) -> None:
        self._loaded: deque[_Loaded] = deque(maxlen=KEPT)
        self._lock = Lock()  # also lets threads wait for the data that another one loads

    def load(self, source: DataSource, seed: int, data_set: DataSet, load: Load) -> Dataset | Table:
        """Return a data set, which is loaded unless it has been."""
        key = type(source), source.model_dump_json()
        with self._lock:
            for each in self._loaded:
                wanted = (each.source, each.data_set) == (key, data_set)
                if wanted and each.seed in (None, seed):
                    return each.data
            rng = random_stream(seed, Stream.DATA, data_set)
            before = _state(rng)
            data = load(source, rng)
            drawn = seed if _state(rng) != before else None
            self._loaded.append(_Loaded(key, data_set, drawn, data))
            return data


def _state(rng: np.random.Generator) -> tuple[Any, ...]:
    """Return what changes when numbers are drawn from a generator, or others are made from it."""
    return rng.bit_generator.state, getattr(rng.bit_generator.seed_seq, "n_children_spawned", 0)


_CURRENT: ContextVar[SharedData | None] = ContextVar("shared_data", default=None)


def shared_data() -> SharedData | None:
    """Return the data that runs in this context share; None if each loads its own."""
    return _CURRENT.get()


@contextmanager
def sharing_data() -> Iterator[None]:
    """Let all runs in this context share the data they load, and threads that copy it."""
    token = _CURRENT.set(_CURRENT.get() or SharedData())
    try:
        yield
    finally:
        _CURRENT.reset(token)
