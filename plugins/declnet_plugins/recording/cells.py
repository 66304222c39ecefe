"""The contents of the memory that recorded calls use, and the positions of samples in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from declnet import Array, Dtype, Shape
from declnet_plugins.recording.symbols import NotRecordedError

MIXES = "computes with several samples together"


@dataclass(frozen=True, eq=False)
class Cells:
    """What the elements of an array hold; arrays of its shape.

    Attributes:
        values: the numbers of the values; -1 for constants.
        places: flat positions in them.
        samples: the samples, from 0; -1 for constants.
        constants: the constants; anything elsewhere.
    """

    values: Array
    places: Array
    samples: Array
    constants: Array

    @classmethod
    def of_constant(cls, array: Array) -> Cells:
        """Return the cells of constants."""
        nothing = np.full(array.shape, -1)
        return cls(nothing, nothing, nothing, array)

    def moved(self, move: Callable[[Array], Array]) -> Cells:
        """Return cells elsewhere."""
        return Cells(*map(move, (self.values, self.places, self.samples, self.constants)))

    def padded(self, axes: int) -> Cells:
        """Return cells with axes of size 1 before the others, so that they have so many."""
        return self.moved(lambda array: array.reshape((1,) * (axes - array.ndim) + array.shape))

    def fill(self, other: Cells) -> None:
        """Replace the cells by others, which are broadcast to their shape."""
        for target, source in zip(self.arrays, other.arrays, strict=True):
            target[...] = source

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All of them."""
        return self.values, self.places, self.samples, self.constants

    @property
    def shape(self) -> Shape:
        """The shape of the array."""
        return self.values.shape

    @property
    def dtype(self) -> Dtype:
        """The type of the array."""
        return self.constants.dtype

    @property
    def are_constant(self) -> bool:
        """Whether all elements are constants."""
        return bool((self.values < 0).all())


@dataclass(frozen=True)
class Layout:
    """How a batch is arranged in an array: samples along one axis, alone or merged with another.

    Attributes:
        axis: the axis.
        count: the number of samples.
        length: the number of elements of a sample along the axis.
        sample_first: whether the elements of a sample are adjacent.
    """

    axis: int
    count: int
    length: int = 1
    sample_first: bool = True

    @classmethod
    def of(cls, samples: Array, count: int) -> Layout:
        """Return the layout of elements whose samples are known, or -1.

        Raises:
            NotRecordedError: the samples are not along one axis.
        """
        for axis, size in enumerate(samples.shape):
            length = size // count
            if length * count != size:
                continue
            lines = np.moveaxis(samples, axis, 0).reshape(size, -1)
            for sample_first in (True, False):
                positions = np.arange(size)
                expected = positions // length if sample_first else positions % count
                if ((lines == expected[:, None]) | (lines < 0)).all():
                    return cls(axis, count, length, sample_first)
        raise NotRecordedError(MIXES)

    def by_sample(self, array: Array) -> Array:
        """Return (samples, *shape of a sample) of an array, whose axis may have size 1."""
        size = array.shape[self.axis]
        if size == 1:
            one = array if self.length > 1 else np.squeeze(array, self.axis)
            return np.broadcast_to(one, (self.count, *one.shape))
        pair = (self.count, self.length) if self.sample_first else (self.length, self.count)
        split = array.reshape(*array.shape[: self.axis], *pair, *array.shape[self.axis + 1 :])
        moved = np.moveaxis(split, self.axis + (not self.sample_first), 0)
        return moved if self.length > 1 else np.squeeze(moved, self.axis + 1)

    def joined(self, array: Array) -> Array:
        """Return the array, given (samples, *shape of a sample)."""
        if self.length == 1:
            return np.moveaxis(array, 0, self.axis)
        moved = np.moveaxis(array, 0, self.axis + (not self.sample_first))
        shape = moved.shape
        size = self.count * self.length
        return moved.reshape(*shape[: self.axis], size, *shape[self.axis + 2 :])

    def sample_axis(self, axis: int) -> int:
        """Return the axis of a sample that is an axis of the array.

        Raises:
            NotRecordedError: it is the axis of the samples.
        """
        if axis == self.axis:
            raise NotRecordedError(MIXES)
        return axis - (axis > self.axis and self.length == 1)


class Block:
    """Memory that one array owns, with the cells of its elements, which are constants first.

    Args:
        owner: the array.
    """

    def __init__(self, owner: Array) -> None:
        self._owner = owner  # so that nothing else gets this memory
        self._low, high = byte_bounds(owner)
        count = (high - self._low) // owner.itemsize
        self._flat = Cells.of_constant(np.zeros(count, owner.dtype)).moved(np.copy)
        self.cells(owner).constants[...] = owner

    def cells(self, view: Array) -> Cells:
        """Return the cells of a view, which are filled in place.

        Raises:
            NotRecordedError: it has elements of another type.
        """
        if view.dtype != self._owner.dtype:
            raise NotRecordedError("reads the bytes of an array as another type")
        if not view.size:
            return Cells.of_constant(view)
        start = (view.__array_interface__["data"][0] - self._low) // view.itemsize

        def viewed(flat: Array) -> Array:
            strides = [stride // view.itemsize * flat.itemsize for stride in view.strides]
            return as_strided(flat[start:], view.shape, strides)

        return self._flat.moved(viewed)
