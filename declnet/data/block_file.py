"""Arrays of blocks in a temporary file, so that their source is read once.

Parsing and preparing 100 cells takes several times as long as training a small network on them, so
parsed text and prepared blocks are written to such files.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import BinaryIO, Generic, TypeVar, cast

import numpy as np

from declnet.cache import cache_folder
from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.data.sample_arrays import SampleArrays


class BlockFile:
    """The arrays of blocks in a file without a name, which vanishes with the process, even killed.

    A block is kept as long as the disk has as much free space as all of them would take. One that
    is not, for that reason or any other, must be read from its source again.

    Args:
        samples: about how many samples all blocks have; 0 if that is not known.
        size: about how many bytes all blocks have, unless their samples are known.
    """

    def __init__(self, samples: int, size: int = 0) -> None:
        self._samples, self._bytes, self._end = samples, size, 0
        self._folder, self._alone = cache_folder(), threading.Lock()
        self._file: BinaryIO | None = None
        self._places: dict[int, tuple[int, list[tuple[Shape, Dtype]]]] = {}
        self._failed = False

    def read(self, number: int) -> list[Array] | None:
        """Return the arrays of a block, or None if it is not kept.

        Raises:
            OSError: the file cannot be read.
        """
        if number not in self._places or self._file is None:
            return None
        start, like = self._places[number]
        arrays = [np.empty(shape, dtype) for shape, dtype in like]
        with self._alone:
            self._file.seek(start)
            for array in arrays:
                _read_into(self._file, _bytes_of(array))
        return arrays

    def keep(self, number: int, arrays: Sequence[Array]) -> None:
        """Keep the arrays (size, …) of a block, if there is room."""
        if self._failed or number in self._places or not len(arrays[0]):
            return
        try:
            with self._alone:
                self._write(number, arrays)
        except OSError:
            self._failed = True

    def _write(self, number: int, arrays: Sequence[Array]) -> None:
        if self._file is None:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            if self._samples:
                size = sum(array.nbytes for array in arrays)
                self._bytes = self._samples * size // len(arrays[0])
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            weakref.finalize(self, file.close)
            self._file = cast("BinaryIO", file)
        if shutil.disk_usage(self._folder).free < self._bytes:
            return
        self._file.seek(self._end)
        for array in arrays:
            left = _bytes_of(np.ascontiguousarray(array))
            while len(left):
                left = left[self._file.write(left) :]
        self._places[number] = self._end, [(array.shape, array.dtype) for array in arrays]
        self._end += sum(array.nbytes for array in arrays)


def _bytes_of(array: Array) -> memoryview:
    """Return the bytes of a contiguous array."""
    flat: memoryview = array.reshape(-1).view(np.uint8).data
    return flat


def _read_into(file: BinaryIO, memory: memoryview) -> None:
    while len(memory):
        count = file.readinto(memory)  # type: ignore[attr-defined]
        if not count:
            raise OSError("the temporary copy of the data was truncated")
        memory = memory[count:]


def packed(columns: Iterable[Array]) -> list[Array]:
    """Return columns as arrays of numbers: of text, the numbers of distinct texts, and these."""
    arrays = []
    for column in columns:
        if column.dtype.kind == "O":
            texts = column.tolist()
            distinct = [text for text in dict.fromkeys(texts) if text is not None]
            codes = {text: code for code, text in enumerate(distinct)}
            gap = repeat(len(codes))
            arrays.append(np.fromiter(map(codes.get, texts, gap), np.int32, len(texts)))
            joined = json.dumps(distinct).encode()
            arrays.append(np.frombuffer(joined, np.uint8))
        else:
            arrays.append(column)
    return arrays


def unpacked(arrays: Iterable[Array]) -> list[Array]:
    """Return the columns that `packed` turned into arrays."""
    columns: list[Array] = []
    for array in arrays:
        if array.dtype == np.uint8:
            texts = np.array([*json.loads(array.tobytes()), None], object)
            columns[-1] = texts[columns[-1]]
        else:
            columns.append(array)
    return columns


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
