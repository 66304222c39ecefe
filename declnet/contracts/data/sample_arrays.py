"""SampleArrays: what tables, arrays of samples, and what is computed from them have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.errors import SampleName

ARRAY = "x"
"""Name of the column that an array without a name is."""


class SampleArrays:
    """The arrays of a `Table` or of a `Dataset`, each with a row for each sample.

    Attributes:
        unit: what messages call a sample.
        rows: the number of each sample in its source, for messages; default: 1 to n.
    """

    unit: ClassVar[str] = "sample"
    rows: Array | None = None

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def arrays(self) -> Mapping[str, Array | MappedArray]:
        """All arrays by name."""
        raise NotImplementedError

    def with_arrays(self, arrays: Mapping[str, Any], rows: Array | None) -> Self:
        """Return the same with other samples, in arrays of the same names."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """The size of the arrays in memory."""
        arrays = self.arrays.values()
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    @property
    def row_numbers(self) -> Sequence[int]:
        """The number of each sample in its source, from 1."""
        return range(1, len(self) + 1) if self.rows is None else self.rows  # type: ignore[return-value]

    def row_number(self, position: int) -> int:
        """Return the number of a sample in its source, from 1, given its position, from 0."""
        return int(self.row_numbers[position])

    def sample_name(self, position: int) -> SampleName:
        """Return what messages call the sample at a position, e.g. `row 7`."""
        number = self.row_number(position)
        return SampleName(f"{self.unit} {number}", number)

    def numbered_from(self, first: int) -> Self:
        """Return the same samples with numbers from `first` on, unless they have numbers."""
        if self.rows is not None:
            return self
        return self.with_arrays(self.arrays, np.arange(first, first + len(self)))

    def take(self, positions: Array) -> Self:
        """Return the samples at the given positions; they keep their numbers."""
        samples = {
            name: array.subset(positions) if isinstance(array, MappedArray) else array[positions]
            for name, array in self.arrays.items()
        }
        return self.with_arrays(
            samples, positions + 1 if self.rows is None else self.rows[positions]
        )

    def parts(self, samples: int) -> Iterator[Self]:
        """Yield the samples in order, in parts of up to `samples` samples."""
        for start in range(0, len(self), samples):
            yield self.take(np.arange(start, min(start + samples, len(self))))

    def joined(self, others: Iterable[SampleArrays]) -> Self:
        """Concatenate these samples, in memory, with others that have the same arrays."""
        parts: list[SampleArrays] = [self, *others]
        if len(parts) == 1:
            return self
        arrays = {
            name: np.concatenate([np.asarray(part.arrays[name]) for part in parts])
            for name in self.arrays
        }
        rows = [part.rows for part in parts if part.rows is not None]
        return self.with_arrays(arrays, np.concatenate(rows) if rows else None)
