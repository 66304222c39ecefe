"""Arrays as kernels read them, in the memory order of the graph."""

from typing import Any

import numpy as np

from declnet import Array, NativeCall
from declnet_plugins.jit import Routine, share

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint8))


def batch_last(*arrays: Array | None) -> bool:
    """Return whether arrays (n, features) are floats with a contiguous batch axis."""
    return all(
        array is None or (array.ndim == 2 and array.dtype in FLOATS and array.T.flags.c_contiguous)
        for array in arrays
    )


def rows_of_features(*arrays: Array | None) -> list[Any] | None:
    """Return arrays (n, *shape) as (features, n); None if one of them has not that memory order."""
    rows: list[Any] = []
    for array in arrays:
        moved = None if array is None else np.moveaxis(array, 0, -1)
        if moved is not None and not (moved.dtype in FLOATS and moved.flags.c_contiguous):
            return None
        rows.append(None if moved is None else moved.reshape(-1, moved.shape[-1]))
    return rows


def flat_in_memory(*arrays: Array | None) -> list[Any] | None:
    """Return arrays with a batch axis as they are in memory, each with one axis.

    None if they are not all floats and contiguous with the batch axis first, or all with it last.
    """
    for place in (-1, 0):
        moved = [None if array is None else np.moveaxis(array, 0, place) for array in arrays]
        present = [array for array in moved if array is not None]
        if all(array.dtype in FLOATS and array.flags.c_contiguous for array in present):
            return [None if array is None else array.reshape(-1) for array in moved]
    return None


@Routine
def transpose(part, parts, x, y):  # type: ignore[no-untyped-def]
    """Y = x.T, in squares of 16."""
    side, rows = np.uint64(16), np.uint64(x.shape[0])
    start, stop = share(y.shape[0], part, parts)
    for first in range(start, stop, side):
        for left in range(np.uint64(0), rows, side):
            for j in range(first, min(stop, first + side)):
                for i in range(left, min(rows, left + side)):
                    y[j, i] = x[i, j]


def flat_for_elementwise(
    x: Array, y: Array, *arrays: Array | None
) -> tuple[tuple[NativeCall, ...], list[Any]] | None:
    """Return `flat_in_memory` of x, y and more, after calls that come first.

    If only x has the other memory order, as the model's input may, it is copied to y, which then
    takes its place.
    """
    rows = flat_in_memory(x, y, *arrays)
    if rows is not None:
        return (), rows
    rows = flat_in_memory(y, *arrays)
    if rows is None or flat_in_memory(x) is None:
        return None
    size = x.size // len(x)
    if x.flags.c_contiguous:
        source, target = x.reshape(len(x), size), np.moveaxis(y, 0, -1).reshape(size, len(x))
    else:
        source, target = np.moveaxis(x, 0, -1).reshape(size, len(x)), y.reshape(len(x), size)
    return (transpose.bound(source, target),), [rows[0], *rows]
