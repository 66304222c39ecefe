"""A temporary copy of a stream's prepared blocks, so that they are read and prepared once."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from typing import BinaryIO, cast

import numpy as np

from declnet.cache import cache_folder
from declnet.contracts.arrays import Array


class PreparedCopy:
    """The arrays of blocks in a file without a name, which vanishes with the process, even killed.

    A block is kept as long as the disk has as much free space as all of them would take. One that
    is not, for that reason or any other, is read from its source again.

    Args:
        sizes: the number of samples in each block.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._starts = np.cumsum([0, *sizes]).tolist()
        self._folder, self._alone = cache_folder(), threading.Lock()
        self._file: BinaryIO | None = None
        self._sample_bytes, self._kept, self._failed = 0, set[int](), False

    def fill(self, number: int, arrays: Sequence[Array]) -> bool:
        """Fill the arrays (size, …) with a block's if it is kept; return whether it is.

        Raises:
            OSError: the file cannot be read.
        """
        if number not in self._kept or self._file is None:
            return False
        raw = [
            each if each.flags.c_contiguous else np.empty_like(each, order="C") for each in arrays
        ]
        with self._alone:
            self._file.seek(self._starts[number] * self._sample_bytes)
            for each in raw:
                _read_into(self._file, _bytes_of(each))
        for each, own in zip(arrays, raw, strict=True):
            if own is not each:
                each[...] = own
        return True

    def keep(self, number: int, arrays: Sequence[Array]) -> None:
        """Keep the arrays (size, …) of a block, if there is room; all blocks have equal types."""
        if self._failed or number in self._kept or not len(arrays[0]):
            return
        try:
            with self._alone:
                self._write(number, arrays)
        except OSError:
            self._failed = True

    def _write(self, number: int, arrays: Sequence[Array]) -> None:
        if self._file is None:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            self._sample_bytes = sum(each.nbytes for each in arrays) // len(arrays[0])
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            weakref.finalize(self, file.close)
            self._file = cast("BinaryIO", file)
        if shutil.disk_usage(self._folder).free < self._starts[-1] * self._sample_bytes:
            return
        self._file.seek(self._starts[number] * self._sample_bytes)
        for each in arrays:
            left = _bytes_of(np.ascontiguousarray(each))
            while len(left):
                left = left[self._file.write(left) :]
        self._kept.add(number)


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
