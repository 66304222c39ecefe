"""Samples stored so that a batch of them is gathered fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Protocol

import numpy as np

from declnet.components.arrays import Array
from declnet.components.mapped_array import MappedArray

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
