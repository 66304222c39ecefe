"""Columns of a table's blocks in a temporary file, so that their cells are read once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import repeat
from pathlib import Path

import numpy as np

from declnet.contracts.arrays import Array
from declnet.data.block_file import BlockFile


class ColumnFile:
    """The columns of blocks in a `BlockFile`, those of text as numbers of distinct texts.

    Args:
        files: what the table is read from, which takes about as much space as the columns.
    """

    def __init__(self, files: Collection[Path]) -> None:
        self._files = files
        self._blocks: BlockFile | None = None
        self._names: tuple[str, ...] = ()

    def keep(self, number: int, columns: Mapping[str, Array]) -> None:
        """Keep the columns of a block, if there is room."""
        arrays = _packed(columns.values())
        if not arrays:
            return
        if self._blocks is None:
            rows, size = len(arrays[0]), sum(array.nbytes for array in arrays)
            whole = sum(file.stat().st_size for file in self._files if file.is_file())
            self._blocks = BlockFile(rows * whole // max(1, size))
            self._names = tuple(columns)
        self._blocks.keep(number, arrays)

    def read(self, number: int) -> dict[str, Array] | None:
        """Return the columns of a block, or None if they are not kept."""
        arrays = None if self._blocks is None else self._blocks.read(number)
        return None if arrays is None else dict(zip(self._names, _unpacked(arrays), strict=True))

    def discard(self, numbers: Collection[int]) -> None:
        """Discard some blocks."""
        if self._blocks is not None:
            self._blocks.discard(numbers)


def _packed(columns: Iterable[Array]) -> list[Array]:
    """Return columns as arrays of numbers: of text, the numbers of distinct texts, and these.

    Nothing is returned if the separator of texts occurs in one.
    """
    arrays = []
    for column in columns:
        if column.dtype.kind == "O":
            texts = column.tolist()
            distinct = [text for text in dict.fromkeys(texts) if text is not None]
            codes = {text: code for code, text in enumerate(distinct)}
            gap = repeat(len(codes))
            arrays.append(np.fromiter(map(codes.get, texts, gap), np.int32, len(texts)))
            joined = "\0".join([*distinct, "", ""])
            if joined.count("\0") > len(distinct) + 1:
                return []
            arrays.append(np.frombuffer(joined.encode(errors="surrogatepass"), np.uint8))
        else:
            arrays.append(column)
    return arrays


def _unpacked(arrays: Iterable[Array]) -> list[Array]:
    """Return the columns that `_packed` turned into arrays."""
    columns: list[Array] = []
    for array in arrays:
        if array.dtype == np.uint8:
            joined = array.tobytes().decode(errors="surrogatepass")
            texts = np.array(joined.split("\0")[:-1], object)
            texts[-1] = None
            columns[-1] = texts[columns[-1]]
        else:
            columns.append(array)
    return columns
