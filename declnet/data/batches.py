"""Mini-batches: shuffling, gathering and random augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.data.transform import Transform
from declnet.contracts.execution.operations import Gather
from declnet.contracts.network.inputs import UNNAMED, Inputs
from declnet.contracts.returned import verified
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


class WholeSamples:
    """All samples as a single batch, which is never gathered: a copy, sample axis contiguous."""

    def __init__(self, array: Array | MappedArray) -> None:
        copied = np.array(np.moveaxis(array[:], 0, -1), order="C")
        self._batch = np.moveaxis(copied, -1, 0)

    def batch(self, size: int) -> tuple[Array, None]:  # noqa: ARG002  # all of them
        """Return all samples in order, which nothing needs to gather."""
        return self._batch, None


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
        """Return memory for a batch, and what fills it with transformed samples by position."""
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
    varying = [transform for transform in transforms if transform.training_only]
    if x.keys() == {UNNAMED}:
        return {UNNAMED: varying}
    return {
        name: [
            transform
            for transform in varying
            if (
                verified(Transform.suits, transform, np.asarray(array[:1]))
                if transform.columns is None
                else name in transform.columns
            )
        ]
        for name, array in x.items()
    }


GatheredArray = Samples | WholeSamples | MappedArray | VariedSamples
"""The samples of one array, from which batches are gathered, see `Samples.batch`."""


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

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield where batches from `first` up to `stop` begin in `order`, part by part.

        Batch 0 begins an epoch, and so does each one after the last batch of an epoch. The samples
        of a part are in memory until the next one is asked for.
        """
        raise NotImplementedError

    def first(self, count: int) -> Array:
        """Begin an epoch; return the positions of its first samples, at most `count`."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return the state that determines this epoch and the following ones."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; raise ValueError if it does not fit."""
        raise NotImplementedError

    def of_one_size(self, first: int, stop: int) -> Iterator[tuple[int, Array]]:
        """Yield the same as `stretches`, with the size of the batches of each part."""
        for starts in self.stretches(first, stop):
            begin = 0
            if self.last_size < self.batch_size:
                for last in range((self.count - 1 - first) % self.count, len(starts), self.count):
                    if begin < last:
                        yield self.batch_size, starts[begin:last]
                    begin = last + 1
                    yield self.last_size, starts[last:begin]
            if begin < len(starts):
                yield self.batch_size, starts[begin:]
            first += len(starts)

    def between(self, first: int, stop: int) -> Iterator[Array]:
        """Yield the batches from `first` up to `stop`, as views valid until the next one."""
        for size, starts in self.of_one_size(first, stop):
            for start in starts.tolist():
                yield self.order[start : start + size]


SHUFFLED = 1 << 14
"""Samples that may be shuffled before they are needed, so that an engine makes the steps of several
short epochs in one call."""


class Batches(BatchOrder):
    """Batches of samples in memory, shuffled every epoch with the run's own random stream.

    `order` has a row for each of several epochs, or a single one without shuffling.
    """

    def __init__(
        self, samples: int, batch_size: int, shuffle: bool, seed: int, drop_last: bool = False
    ) -> None:
        rows = max(1, SHUFFLED // samples) if shuffle else 1
        super().__init__(samples, batch_size, drop_last, rows * samples)
        self.order[:] = np.tile(np.arange(samples), rows)
        self._rows, self._row = self.order.reshape(rows, samples), 0
        self._epochs = rows if shuffle else max(1, SHUFFLED // self.count)
        begins = np.arange(self._epochs)[:, None] * (samples if shuffle else 0)
        self._starts = (begins + self.batch_size * np.arange(self.count)).ravel()
        self._shuffle = shuffle
        self._rng = random_stream(seed, Stream.SHUFFLE)

    def _begin(self, epochs: int) -> None:
        """Begin some epochs: shuffle the samples for each of them."""
        if not self._shuffle:
            self._row = epochs - 1
            return
        for row in range(epochs):
            if row != self._row:
                self._rows[row] = self._rows[self._row]
            self._rng.shuffle(self._rows[row])
            self._row = row

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield where batches from `first` up to `stop` begin in `order`, some epochs at a time."""
        while first < stop:
            batch = first % self.count
            begin = self._row * self.count + batch
            if batch == 0:
                self._begin(min(self._epochs, -(-(stop - first) // self.count)))
                begin = 0
            starts = self._starts[begin : min(begin + stop - first, (self._row + 1) * self.count)]
            yield starts
            first += len(starts)

    def first(self, count: int) -> Array:
        """Begin an epoch; return the positions of its first samples, at most `count`."""
        self._begin(1)
        return self._rows[0, :count]

    def state(self) -> dict[str, Any]:
        """Return the sample order, from which the next shuffle starts, and the random stream.

        Empty without shuffling.
        """
        if not self._shuffle:
            return {}
        order = self._rows[self._row]
        smallest = np.min_scalar_type(len(order))
        return {"order": order.astype(smallest), "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError: the state belongs to different data or a different shuffle setting.
        """
        if bool(state) != self._shuffle:
            raise ValueError("shuffling was turned on or off since this checkpoint was written")
        if self._shuffle:
            order = self._rows[self._row]
            if "order" not in state:
                raise ValueError("the data was streamed, now it is in memory")
            if state["order"].shape != order.shape:
                raise ValueError(f"there were {len(state['order'])} samples, now {len(order)}")
            order[:] = state["order"]
            self._rng.bit_generator.state = state["rng"]
