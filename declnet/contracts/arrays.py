"""Arrays: in memory, and mapped from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import numpy.typing as npt

from declnet.contracts.annotations import ArrayOf, AtLeast
from declnet.contracts.open_file import OpenFile
from declnet.errors import DataError

Array = npt.NDArray[Any]
"""A NumPy array; each contract says which shape and dtype."""

Arrays = tuple[Array, ...]
"""The inputs of a layer that has several."""

Gradients = tuple[Array | None, ...]
"""Where such a layer writes the gradients of its inputs; None for one that is not needed."""

Rows = Annotated[Array, ArrayOf(axes=1)]
"""An array (n, …) of numbers."""

ColumnArray = Annotated[Array, ArrayOf("fiubO", "numbers or text", axes=1)]
"""An array (n, …) of numbers, or of text as objects."""

Shape = tuple[int, ...]
"""The shape of one sample: without the batch axis. `()` is one number a sample."""

Size = Annotated[int, AtLeast(1)]
Count = Annotated[int, AtLeast(0)]
Sizes = tuple[Size, ...]
"""A shape of arrays that are allocated."""

Dtype = np.dtype[Any]

AnyArray = TypeVar("AnyArray", Array, "MappedArray", "Array | MappedArray")


def read_only(array: AnyArray) -> AnyArray:
    """Return a view of an array through which it cannot be changed; a mapped array as it is."""
    if isinstance(array, MappedArray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def plain_array(value: Any, name: str) -> Array:
    """Return a value as an array; raise DataError if it is masked, since no array has gaps.

    Args:
        name: what messages call it.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DataError(
            f"{name} is a masked array with {np.count_nonzero(value.mask)} masked values",
            hint="fill them, or give a table: masked values of its columns are missing",
        )
    array: Array = np.asarray(value)
    return array


PART = 1 << 24
"""Bytes to read at a time when iterating over all samples."""


class MappedArray:
    """Samples (n, *sample shape) of a file, in C order, with the array operations training needs.

    Rows are read from the file into the caller's memory. A memory map would be just as simple, but
    mapped pages count as this process's memory, up to 2 MB per row (Linux's large folios).

    Args:
        path: the file.
        offset: bytes before the first sample.
        shape: the shape of the whole array.
        stored: the type of the numbers in the file.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is too short for that shape.
    """

    def __init__(self, path: Path, offset: int, shape: Shape, stored: Dtype) -> None:
        self.dtype, self.shape = stored, shape
        self._stored, self._offset, self._rows = stored, offset, None
        self._row_bytes = prod(shape[1:]) * stored.itemsize
        self._file = OpenFile(path)
        if self._file.size < offset + shape[0] * self._row_bytes:
            raise ValueError(f"{path} is shorter than its header says")

    _rows: Array | None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Read the whole array into memory."""
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __getitem__(self, part: slice | Array) -> Array:
        """Return a new array of the samples selected by a slice or by positions (k,)."""
        positions = np.arange(len(self))[part] if isinstance(part, slice) else np.asarray(part)
        memory, gather = self.batch(len(positions))
        gather(positions)
        return memory

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """Return memory for a batch, and a function that fills it with samples by position.

        Returns:
            An array of shape (size, *sample shape), and a function of positions (size,), which
            raises ChangedFileError if the file has changed.
        """
        raw = np.empty((size, *self.shape[1:]), self._stored)
        target = raw if self.dtype == self._stored else np.empty(raw.shape, self.dtype)
        whole: memoryview = raw.reshape(-1).view(np.uint8).data
        rows: list[memoryview] = []
        width, offset, read = self._row_bytes, self._offset, self._file.read_into
        require_unchanged = self._file.require_unchanged

        def gather(positions: Array) -> None:
            chosen = positions if self._rows is None else self._rows[positions]
            if (np.diff(chosen) == 1).all():
                read(whole, offset + int(chosen[0]) * width if len(chosen) else offset)
            else:
                if not rows:  # made when needed, as consecutive samples need only one read
                    starts = range(0, len(whole), width or 1)
                    rows.extend([whole[at : at + width] for at in starts] or [whole] * size)
                for row, position in zip(rows, chosen.tolist(), strict=True):
                    read(row, offset + position * width)
            require_unchanged()
            if target is not raw:
                target[...] = raw

        return target, gather

    def subset(self, positions: Array) -> MappedArray:
        """Return the samples at the given positions, without reading them."""
        other = self._copy()
        other._rows = positions if self._rows is None else self._rows[positions]
        other.shape = (len(positions), *self.shape[1:])
        return other

    def astype(self, dtype: Dtype) -> MappedArray:
        """Return the same samples, converted to another type when read."""
        other = self._copy()
        other.dtype = dtype
        return other

    def parts(self) -> Iterator[Array]:
        """Yield all samples in order, in parts."""
        size = max(1, PART // max(self._row_bytes, 1))
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def stored(self) -> Iterator[Array]:
        """Yield arrays that identify the samples: equal ones have equal bytes."""
        return self.parts()

    def _copy(self) -> MappedArray:
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other
