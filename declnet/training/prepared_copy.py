"""A temporary copy of a stream's prepared blocks, so that they are read and prepared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from declnet.contracts.data.sample_arrays import SampleArrays
from declnet.data.block_file import BlockFile

Samples = TypeVar("Samples", bound=SampleArrays)


class PreparedCopy(Generic[Samples]):
    """Blocks of samples, in a temporary file once they were prepared.

    Args:
        sizes: the number of samples in each block.
        prepare: prepares the samples in a block; all blocks have equal types.
    """

    def __init__(self, sizes: Sequence[int], prepare: Callable[[int], Samples]) -> None:
        self._prepare, self._file = prepare, BlockFile(sum(sizes))
        self._empty: Samples | None = None

    def __call__(self, number: int) -> Samples:
        """Return the samples in a block.

        Raises:
            OSError: the file cannot be read.
        """
        arrays = self._file.read(number)
        if arrays is not None and self._empty is not None:
            return self._empty.with_arrays(dict(zip(self._empty.arrays, arrays, strict=True)), None)
        samples = self._prepare(number)
        if len(samples):
            if self._empty is None:
                self._empty = samples.take(np.zeros(0, np.intp))
            self._file.keep(number, [np.asarray(array) for array in samples.arrays.values()])
        return samples
