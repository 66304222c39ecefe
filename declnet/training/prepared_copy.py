"""A temporary copy of a stream's prepared blocks, so that they are read and prepared once."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import BinaryIO, Generic, TypeVar, cast

import numpy as np

from declnet.cache import cache_folder
from declnet.contracts.arrays import Array
from declnet.contracts.data.sample_arrays import SampleArrays

Samples = TypeVar("Samples", bound=SampleArrays)


class PreparedCopy(Generic[Samples]):
    """Blocks of samples, in a file without a name once they were prepared.

    The file vanishes with the process, even a killed one. A block is kept as long as the disk has
    as much free space as all of them would take. One that is not, for that reason or any other, is
    prepared again.

    Args:
        sizes: the number of samples in each block.
        prepare: prepares the samples in a block; all blocks have equal types.
    """

    def __init__(self, sizes: Sequence[int], prepare: Callable[[int], Samples]) -> None:
        self._sizes, self._prepare = sizes, prepare
        self._starts = np.cumsum([0, *sizes]).tolist()
        self._folder, self._alone = cache_folder(), threading.Lock()
        self._file: BinaryIO | None = None
        self._sample_bytes, self._copied, self._failed = 0, set[int](), False
        self._empty: Samples | None = None

    def __call__(self, number: int) -> Samples:
        """Return the samples in a block.

        Raises:
            OSError: the file cannot be read.
        """
        if number in self._copied and self._file is not None and self._empty is not None:
            return self._read(number, self._file, self._empty)
        samples = self._prepare(number)
        if not self._failed and len(samples):
            try:
                with self._alone:
                    self._write(number, samples)
            except OSError:
                self._failed = True
        return samples

    def _read(self, number: int, file: BinaryIO, empty: Samples) -> Samples:
        arrays = {
            name: np.empty((self._sizes[number], *array.shape[1:]), array.dtype)
            for name, array in empty.arrays.items()
        }
        with self._alone:
            file.seek(self._starts[number] * self._sample_bytes)
            for array in arrays.values():
                _read_into(file, _bytes_of(array))
        return empty.with_arrays(arrays, None)

    def _write(self, number: int, samples: Samples) -> None:
        if self._file is None:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            self._sample_bytes = samples.nbytes // len(samples)
            self._empty = samples.take(np.zeros(0, np.intp))
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            weakref.finalize(self, file.close)
            self._file = cast("BinaryIO", file)
        if shutil.disk_usage(self._folder).free < self._starts[-1] * self._sample_bytes:
            return
        self._file.seek(self._starts[number] * self._sample_bytes)
        for array in samples.arrays.values():
            left = _bytes_of(np.ascontiguousarray(array))
            while len(left):
                left = left[self._file.write(left) :]
        self._copied.add(number)


def _bytes_of(array: Array) -> memoryview:
    """Return the bytes of a contiguous array."""
    flat: memoryview = array.reshape(-1).view(np.uint8).data
    return flat


def _read_into(file: BinaryIO, memory: memoryview) -> None:
    while len(memory):
        count = file.readinto(memory)  # type: ignore[attr-defined]
        if not count:
            raise OSError("the copy of the prepared data was truncated")
        memory = memory[count:]
