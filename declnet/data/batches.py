"""Mini-batches: their order, how they are gathered, and how they vary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Protocol

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.data_source import Dataset
from declnet.contracts.returned import checked_suits
from declnet.contracts.transform import Transform
from declnet.errors import DataError
from declnet.spec.streams import Stream, random_stream

THIN = 16
"""Samples of at most this many numbers are stored with the sample axis last, as the graph computes;
wider ones as rows, which are copied whole (measured: the two cross between 10 and 32)."""


class Gathered(Protocol):
    """Samples that a batch is gathered from."""

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """Memory for a batch, and the function that fills it with the samples at given positions.

        Returns:
            An array of shape (size, …), and a function of the positions, integers of shape (size,).
        """
        ...

    def all(self) -> Array:
        """Every sample in order, with the sample axis contiguous: the input of a full batch."""
        ...


def samples_of(array: Array | MappedArray) -> Gathered:
    """The samples of an array, ready to be gathered into batches."""
    return MappedSamples(array) if isinstance(array, MappedArray) else Samples(array)


class MappedSamples:
    """The samples of a file, each batch read when its turn comes."""

    def __init__(self, array: MappedArray) -> None:
        self._array = array

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """As `Gathered.batch`."""
        return self._array.batch(size)

    def all(self) -> Array:
        """As `Gathered.all`; all of it is read into memory."""
        return Samples(self._array[:]).all()


class Samples:
    """The samples of one array, ready to be gathered into a batch."""

    def __init__(self, array: Array) -> None:
        self._thin = prod(array.shape[1:]) <= THIN
        self._stored = np.ascontiguousarray(np.moveaxis(array, 0, -1) if self._thin else array)

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """Memory for a batch, and the function that fills it with the samples at given positions.

        Returns:
            An array of shape (size, …), and a function of the positions, integers of shape (size,).
        """
        axis = -1 if self._thin else 0
        sample = self._stored.shape[:-1] if self._thin else self._stored.shape[1:]
        memory = np.empty((*sample, size) if self._thin else (size, *sample), self._stored.dtype)
        gather = partial(self._stored.take, axis=axis, out=memory, mode="clip")
        return (np.moveaxis(memory, -1, 0) if self._thin else memory), gather

    def all(self) -> Array:
        """Every sample in order, with the sample axis contiguous: the input of a full batch."""
        if self._thin:
            return np.moveaxis(self._stored, -1, 0)
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(self._stored, 0, -1)), -1, 0)


class VariedSamples:
    """Samples that vary each time they are gathered.

    Args:
        samples: as they are.
        transforms: those that are for training only, in order.
        rng: their stream.
    """

    def __init__(
        self, samples: Gathered, transforms: Sequence[Transform], rng: np.random.Generator
    ) -> None:
        self._samples, self._transforms, self._rng = samples, tuple(transforms), rng

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """As `Gathered.batch`."""
        x, gather = self._samples.batch(size)

        def gather_and_vary(positions: Array) -> None:
            gather(positions)
            for transform in self._transforms:
                transform.vary(x, self._rng)

        return x, gather_and_vary

    def all(self) -> Array:
        """As `Gathered.all`; raises NotImplementedError, since only batches vary."""
        raise NotImplementedError


def require_suited(train: Dataset, transforms: Sequence[Transform]) -> None:
    """Checks that what varies training data suits it.

    Args:
        train: the prepared training data.
        transforms: all of the spec.

    Raises:
        DataError: one does not.
    """
    for number, transform in enumerate(transforms):
        if not transform.training_only:
            continue
        if not checked_suits(transform, transform.suits(np.asarray(train.x[:1]))):
            raise DataError(
                f"{transform.type} does not suit samples of shape {train.x.shape[1:]}",
                path=("data", "prepare", number),
                code="E035",
            )


class Batches:
    """Positions of the samples of each batch, shuffled each epoch by the run's own stream.

    Attributes:
        count: batches in an epoch.
        batch_size: samples in each batch but the last.
        last_size: samples in the last batch of an epoch.
    """

    def __init__(self, samples: int, batch_size: int, shuffle: bool, seed: int) -> None:
        self.batch_size = min(batch_size, samples)
        self.count = -(-samples // self.batch_size)
        self.last_size = samples % self.batch_size or self.batch_size
        self._order = np.arange(samples)
        self._shuffle = shuffle
        self._rng = random_stream(seed, Stream.SHUFFLE)

    def epoch(self) -> Iterator[Array]:
        """The batches of the next epoch; each is a view, valid until the next epoch."""
        self.shuffle()
        return self.between(0, self.count)

    def shuffle(self) -> None:
        """Begins an epoch: puts the samples in its order."""
        if self._shuffle:
            self._rng.shuffle(self._order)

    def between(self, first: int, stop: int) -> Iterator[Array]:
        """The batches from `first` to the one before `stop`, of the epoch that has begun."""
        order, size = self._order, self.batch_size
        for start in range(first * size, min(stop * size, len(order)), size):
            yield order[start : start + size]

    def state(self) -> dict[str, Any]:
        """The order of the samples, which the next one is shuffled from, and the random stream.

        Empty without shuffling.
        """
        if not self._shuffle:
            return {}
        smallest = np.min_scalar_type(len(self._order))
        return {"order": self._order.astype(smallest), "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave.

        Raises:
            ValueError: it is the state of other data, or of batches that were not shuffled alike.
        """
        if bool(state) != self._shuffle:
            raise ValueError("the samples were shuffled, or not, and now it is the other way round")
        if self._shuffle:
            if state["order"].shape != self._order.shape:
                raise ValueError(
                    f"there were {len(state['order'])} samples, now {len(self._order)}"
                )
            self._order[:] = state["order"]
            self._rng.bit_generator.state = state["rng"]
