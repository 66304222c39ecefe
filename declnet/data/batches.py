"""Mini-batches: shuffling, gathering and random augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.data.returned import checked_suits
from declnet.contracts.data.transform import Transform
from declnet.contracts.execution.operations import Gather
from declnet.contracts.network.inputs import UNNAMED, Inputs
from declnet.spec.streams import Stream, random_stream

THIN = 16
"""Largest sample size stored with the sample axis last, the layout the graph computes in. Larger
samples are stored as rows and copied whole (measured: the break-even is between 10 and 32)."""


def empty_samples(like: Array, count: int) -> Array:
    """Return memory (count, …) for samples, which `Samples` uses itself rather than a copy."""
    sample = like.shape[1:]
    if prod(sample) <= THIN:
        return np.moveaxis(np.zeros((*sample, count), like.dtype), -1, 0)
    return np.zeros((count, *sample), like.dtype)


class Samples:
    """Samples in an array, ready to be gathered into batches."""

    def __init__(self, array: Array) -> None:
        self._given = array
        self._thin = prod(array.shape[1:]) <= THIN
        self._stored = np.ascontiguousarray(np.moveaxis(array, 0, -1) if self._thin else array)

    def batch(self, size: int) -> tuple[Array, Gather]:
        """Return memory for a batch and what fills it with samples by position.

        Returns:
            An array of shape (size, …), and a function of the integer positions (size,).
        """
        axis = -1 if self._thin else 0
        sample = self._stored.shape[:-1] if self._thin else self._stored.shape[1:]
        memory = np.empty((*sample, size) if self._thin else (size, *sample), self._stored.dtype)
        gather = Gather(self._stored, memory, axis)
        return (np.moveaxis(memory, -1, 0) if self._thin else memory), gather

    def all(self) -> Array:
        """Return all samples in order, sample axis contiguous, in memory of their own."""
        stored = self._stored if self._thin else np.moveaxis(self._stored, 0, -1)
        batch = np.ascontiguousarray(stored)
        if np.may_share_memory(batch, self._given):
            batch = batch.copy()
        return np.moveaxis(batch, -1, 0)


class VariedSamples:
    """Samples that are randomly transformed each time they are gathered.

    Args:
        transforms: the training-only transforms, in order.
    """

    def __init__(
        self,
        samples: Samples | MappedArray,
        transforms: Sequence[Transform],
        rng: np.random.Generator,
    ) -> None:
        self._samples, self._transforms, self._rng = samples, tuple(transforms), rng

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """As `Samples.batch`."""
        x, gather = self._samples.batch(size)

        def gather_and_vary(positions: Array) -> None:
            gather(positions)
            for transform in self._transforms:
                transform.vary(x, self._rng)

        return x, gather_and_vary


def varied_inputs(x: Inputs, transforms: Sequence[Transform]) -> dict[str, list[Transform]]:
    """Return the training-only transforms of each input, in order.

    An input without a name gets all of them. One of several gets those whose `columns` name it, or
    that suit it if they name none.
    """
    varying = [each for each in transforms if each.training_only]
    if not isinstance(x, Mapping):
        return {UNNAMED: varying}
    return {
        name: [
            each
            for each in varying
            if (
                checked_suits(each, each.suits(np.asarray(array[:1])))
                if each.columns is None
                else name in each.columns
            )
        ]
        for name, array in x.items()
    }


Batch = Array | Mapping[str, Array]
"""The memory of a batch's samples: one array, or one for each input by name."""


@dataclass(frozen=True)
class GatherAll:
    """Several functions of positions that gather the arrays of one batch."""

    gathers: tuple[Callable[[Array], object], ...]

    def __call__(self, positions: Array) -> None:
        """Gather the samples at these positions, int64 (n,)."""
        for gather in self.gathers:
            gather(positions)

    def operations(self) -> tuple[Gather, ...] | None:
        """Return them all if each is an operation that engines know, else None."""
        found: list[Gather] = []
        for each in self.gathers:
            inner = each.operations() if isinstance(each, GatherAll) else each
            if isinstance(inner, Gather):
                found.append(inner)
            elif isinstance(inner, tuple):
                found += inner
            else:
                return None
        return tuple(found)


class NamedSamples:
    """Samples of several inputs, gathered together.

    Args:
        inputs: the samples of each input by name.
    """

    def __init__(self, inputs: Mapping[str, Samples | MappedArray | VariedSamples]) -> None:
        self._inputs = dict(inputs)

    def batch(self, size: int) -> tuple[dict[str, Array], Callable[[Array], object]]:
        """As `Samples.batch`, with an array for each input."""
        batches = {name: each.batch(size) for name, each in self._inputs.items()}
        gathers = tuple(gather for _, gather in batches.values())
        return {name: memory for name, (memory, _) in batches.items()}, GatherAll(gathers)


Gathered = Samples | MappedArray | VariedSamples | NamedSamples
"""Samples from which batches are gathered, see `Samples.batch`."""


class BatchOrder:
    """The batches of an epoch, as positions of samples in memory.

    Args:
        held: the most samples in memory at a time.
        drop_last: whether the last batch is left out if it is smaller.

    Attributes:
        batch_size: number of samples in each batch except the last.
        last_size: number of samples in the last batch of an epoch.
        count: number of batches in an epoch.
        order: the positions of the samples in the order of the epoch, int64; changed in place.
    """

    def __init__(self, samples: int, batch_size: int, drop_last: bool, held: int) -> None:
        self.batch_size = min(batch_size, samples)
        self.count, rest = divmod(samples, self.batch_size)
        self.last_size = self.batch_size
        if rest and not drop_last:
            self.count, self.last_size = self.count + 1, rest
        self.order = np.arange(held)

    def shuffle(self) -> None:
        """Begin an epoch by shuffling the samples."""
        raise NotImplementedError

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield where batches from `first` up to `stop` begin in `order`, part by part.

        The samples of a part are in memory until the next one is asked for.
        """
        raise NotImplementedError

    def first(self, count: int) -> Array:
        """Return the positions of the first samples of the epoch, at most `count`."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what decides on this epoch and the following ones."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; raise ValueError if it does not fit."""
        raise NotImplementedError

    def of_one_size(self, first: int, stop: int) -> Iterator[tuple[int, Array]]:
        """Yield the same as `stretches`, with the size of the batches of each part."""
        done = first
        for starts in self.stretches(first, stop):
            done += len(starts)
            full = len(starts) - (done == self.count and self.last_size < self.batch_size)
            for size, part in ((self.batch_size, starts[:full]), (self.last_size, starts[full:])):
                if len(part):
                    yield size, part

    def between(self, first: int, stop: int) -> Iterator[Array]:
        """Yield the batches from `first` up to `stop`, as views valid until the next one."""
        for size, starts in self.of_one_size(first, stop):
            for start in starts.tolist():
                yield self.order[start : start + size]


class Batches(BatchOrder):
    """Batches of samples in memory, shuffled every epoch with the run's own random stream."""

    def __init__(
        self, samples: int, batch_size: int, shuffle: bool, seed: int, drop_last: bool = False
    ) -> None:
        super().__init__(samples, batch_size, drop_last, samples)
        self._shuffle = shuffle
        self._rng = random_stream(seed, Stream.SHUFFLE)

    def shuffle(self) -> None:
        """Begin an epoch by shuffling the samples."""
        if self._shuffle:
            self._rng.shuffle(self.order)

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield the starts of batches from `first` up to `stop` in `order`, all in one array."""
        stop = min(stop, self.count)
        yield self.batch_size * np.arange(first, stop)

    def first(self, count: int) -> Array:
        """Return the positions of the first samples of the epoch, at most `count`."""
        return self.order[:count]

    def state(self) -> dict[str, Any]:
        """Return the sample order, from which the next shuffle starts, and the random stream.

        Empty without shuffling.
        """
        if not self._shuffle:
            return {}
        smallest = np.min_scalar_type(len(self.order))
        return {"order": self.order.astype(smallest), "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError: the state belongs to different data or a different shuffle setting.
        """
        if bool(state) != self._shuffle:
            raise ValueError("shuffling was turned on or off since this checkpoint was written")
        if self._shuffle:
            if "order" not in state:
                raise ValueError("the data was streamed, now it is in memory")
            if state["order"].shape != self.order.shape:
                raise ValueError(f"there were {len(state['order'])} samples, now {len(self.order)}")
            self.order[:] = state["order"]
            self._rng.bit_generator.state = state["rng"]
