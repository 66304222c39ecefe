"""Matrix products, with biases and a lower bound, of small and medium sizes.

c = max(a b + biases, low) is computed in tiles (`micro_kernel`). A tile reads each row of its part
of b as whole vectors, so b is copied into panels as wide as a tile, transposed if necessary, unless
it is so well placed, or used so little, that reading it where it is costs less. A product with few
columns, such as the gradient of the weights of a few units, sums vectors of k instead; one with few
k is in `few_rows`.

`benchmarks/products.py` compares these products with OpenBLAS's, and `benchmarks/README.md` has its
results: OpenBLAS is nowhere much faster, so it is not used.

The arrays may have a leading axis for steps: c[t] = a[t] b[t], or, if c has no such axis, c is the
sum over t.
"""

from math import inf
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from declnet import Array, NativeCall
from declnet_plugins.jit.routines.few_rows import MASKS, multiply_shallow
from declnet_plugins.jit.routines.memory import thread_scratch
from declnet_plugins.jit.routines.micro_kernel import (
    A_ROW,
    BIASES,
    DEPTH,
    FEW,
    NOTHING,
    PANEL_BYTES,
    PANELS,
    SUMS,
    TILE,
    copy_columns,
    copy_rows,
    multiply_rows,
    multiply_tile,
)
from declnet_plugins.jit.routines.routine import Routine, rounded_as_written
from declnet_plugins.jit.threads import thread_memory

ROWS, VECTOR, PANEL_ROW = TILE.rows, TILE.bytes, TILE.vectors * TILE.bytes

FAR = 2048
"""Distance of b's rows, in bytes, from which on they are copied; closer ones share the processor's
cache well enough."""

MANY = 64
"""Rows of a from which on the copy pays off."""

LONG = 256
"""Numbers summed from which on `multiply_few` pays off for more columns."""


@Routine
def multiply(  # type: ignore[no-untyped-def]
    part,
    parts,
    a,
    b,
    c,
    biases,
    low,
    rows,
    depth,
    columns,
    steps,
    a_row,
    a_k,
    a_step,
    b_k,
    b_column,
    b_step,
    c_row,
    c_step,
    biased,
    copied,
    functions,
):
    """C = max(a b + biases, low) for each step, or summed over the steps if c_step is 0.

    Of a, b and c, only the addresses are used, with the strides that follow.
    """
    size, lowest = np.int64(a.itemsize), a.dtype.type(-np.inf)
    wide, lanes = PANEL_ROW // size, VECTOR // size
    summed = c_step == 0
    # short sums of several steps become one, of copies of a and b
    gathered = summed and steps > 1 and 2 * depth <= DEPTH and a_k == size
    together = DEPTH // depth if gathered else 1
    # steps with the same a have the panels of one product with more columns
    joined = a_step == 0 and not summed
    turns = 1 if joined else (steps + together - 1) // together
    per_step = (columns + wide - 1) // wide
    panels = per_step * steps if joined else per_step
    begin, stop, first, end, top, bottom = shares(part, parts, turns, panels, rows, summed)
    height = bottom - top
    tiles, blocks = (height + ROWS - 1) // ROWS, (depth + DEPTH - 1) // DEPTH
    a_at, b_at = np.int64(a.ctypes.data), np.int64(b.ctypes.data)
    c_at, biases_at = np.int64(c.ctypes.data), np.int64(biases.ctypes.data)
    memory = thread_scratch(functions)  # panels of b, then a tile's rows of a
    a_memory = memory + PANELS * PANEL_BYTES
    for turn in range(begin, stop):
        count = min(together, steps - turn * together)
        for left in range(first, end, PANELS):
            right = min(end, left + PANELS)
            for block in range(blocks):
                k = depth * block // blocks
                length = depth * (block + 1) // blocks - k
                begins = block == 0 and (turn == 0 or not summed)
                ends = block == blocks - 1 and (turn == turns - 1 or not summed)
                for panel in range(left, right):
                    step = panel // per_step if joined else turn * together
                    column = panel % per_step * wide
                    width = min(wide, columns - column)
                    if copied or gathered or width * size % VECTOR != 0:
                        source = b_at + step * b_step + k * b_k + column * b_column
                        place = memory + (panel - left) * PANEL_BYTES
                        copy_panel(
                            source, b_step, b_k, b_column, place, count, length, width, size, low
                        )
                # tiles of about equally many rows, since small ones are slower
                for tile in range(tiles):
                    row = top + height * tile // tiles
                    some = top + height * (tile + 1) // tiles - row
                    if gathered:
                        source = a_at + turn * together * a_step + row * a_row
                        copy_tile(source, a_step, a_row, a_memory, count, length, some, size, low)
                    for panel in range(left, right):
                        step = panel // per_step if joined else turn * together
                        column = panel % per_step * wide
                        width = min(wide, columns - column)
                        vectors = (width + lanes - 1) // lanes
                        a_tile, a_next = a_at + step * a_step + k * a_k + row * a_row, a_row
                        b_panel, b_next = b_at + step * b_step + k * b_k + column * b_column, b_k
                        if gathered:
                            a_tile, a_next = a_memory, A_ROW
                        if copied or gathered or width * size % VECTOR != 0:
                            b_panel, b_next = memory + (panel - left) * PANEL_BYTES, PANEL_ROW
                        multiply_tile(
                            some,
                            vectors,
                            width - (vectors - 1) * lanes,
                            a_tile,
                            a_next,
                            a_k,
                            b_panel,
                            b_next,
                            c_at + step * c_step + row * c_row + column * size,
                            c_row,
                            length * count,
                            (BIASES if biased else NOTHING) if begins else SUMS,
                            biases_at + row * size,
                            low if ends else lowest,
                        )


def shares(part: Any, parts: Any, turns: Any, panels: Any, rows: Any, summed: Any) -> Any:
    """Return a part's range of turns, of panels and of rows, of which it has all but for one."""
    if turns >= 2 * parts and not summed:
        return turns * part // parts, turns * (part + 1) // parts, 0, panels, 0, rows
    if panels % parts == 0 or panels >= 4 * parts:
        return 0, turns, panels * part // parts, panels * (part + 1) // parts, 0, rows
    return 0, turns, 0, panels, rows * part // parts, rows * (part + 1) // parts


@rounded_as_written  # the order of each sum is the same for any number of rows
def multiply_few(part, parts, a, b, c, rows, depth, columns, a_row, b_column, c_row):  # type: ignore[no-untyped-def]
    """C = a b with few columns, where k is contiguous in a and b."""
    size, zero = np.int64(a.itemsize), a.dtype.type(0)
    a_at, b_at, c_at = (
        np.int64(a.ctypes.data),
        np.int64(b.ctypes.data),
        np.int64(c.ctypes.data),
    )
    stop = rows * (part + 1) // parts
    for row in range(rows * part // parts, stop, FEW):
        for column in range(0, columns, FEW):
            multiply_rows(
                min(FEW, stop - row),
                min(FEW, columns - column),
                a_at + row * a_row,
                a_row,
                b_at + column * b_column,
                b_column,
                c_at + row * c_row + column * size,
                c_row,
                depth,
                zero,
            )


def copy_panel(
    b: Any,
    b_step: Any,
    b_k: Any,
    b_column: Any,
    target: Any,
    steps: Any,
    depth: Any,
    columns: Any,
    size: Any,
    zero: Any,
) -> None:
    """Copy b, (steps, depth, columns), to a panel of whole vectors, (steps * depth, columns)."""
    lanes = VECTOR // size
    for step in range(steps):
        for column in range(0, columns, lanes):
            width = min(lanes, columns - column)
            source = b + step * b_step + column * b_column
            place = target + step * depth * PANEL_ROW + column * size
            if b_column == size:
                copy_rows(source, b_k, place, PANEL_ROW, depth, width, zero)
            else:
                copy_columns(source, b_column, place, PANEL_ROW, depth, width, zero)


def copy_tile(
    a: Any,
    a_step: Any,
    a_row: Any,
    target: Any,
    steps: Any,
    depth: Any,
    rows: Any,
    size: Any,
    zero: Any,
) -> None:
    """Copy a tile's rows of a, (steps, rows, depth), to (rows, steps * depth)."""
    lanes = VECTOR // size
    for step in range(steps):
        for k in range(0, depth, lanes):
            source = a + step * a_step + k * size
            place = target + (step * depth + k) * size
            copy_rows(source, a_row, place, A_ROW, rows, min(lanes, depth - k), zero)


def product(
    a: Array, b: Array, c: Array, biases: Array | None = None, low: float = -inf
) -> NativeCall | None:
    """Return a call that computes c = max(a b + biases, low).

    Neither its place in c nor the number of parts changes the bits of a number.

    Args:
        a: (rows, k) or (steps, rows, k).
        b: (k, columns) or (steps, k, columns), of the same type.
        c: (rows, columns) or (steps, rows, columns); without steps, the products of all steps are
            added.
        biases: (rows,), contiguous.
        low: the lower bound; NaN stays NaN.

    Returns:
        The call; None for memory orders that it does not support: c must be contiguous along a row
        and b along a row or column, or, without biases, the same of c.T and a.T.
    """
    if not _contiguous(c, -1):
        if biases is not None:
            return None
        a, b, c = b.swapaxes(-1, -2), a.swapaxes(-1, -2), c.swapaxes(-1, -2)
    if not (_contiguous(c, -1) and (_contiguous(b, -1) or _contiguous(b, -2))):
        return None
    steps = max(len(array) if array.ndim == 3 else 1 for array in (a, b))
    a_step, b_step, c_step = (array.strides[0] if array.ndim == 3 else 0 for array in (a, b, c))
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    b_k, b_column = b.strides[-2], b.itemsize if columns == 1 else b.strides[-1]
    if _has_few_columns(a, b, c) and steps == 1 and biases is None and low == -inf:
        return multiply_few.bound(
            *map(_first, (a, b, c)),
            *(rows, depth, columns),
            *(a.strides[-2], b.strides[-1], c.strides[-2]),
        )
    is_biased, added = biases is not None, _first(c[..., 0]) if biases is None else biases
    if MASKS and depth <= FEW and steps == 1 and _contiguous(b, -1):
        return multiply_shallow.bound(
            *map(_first, (a, b, c)),
            added,
            c.dtype.type(low),
            *(rows, depth, columns, *a.strides[-2:], b_k, c.strides[-2], is_biased),
        )
    return multiply.bound(
        *map(_first, (a, b, c)),
        added,
        c.dtype.type(low),
        *(rows, depth, columns, steps),
        *(*a.strides[-2:], a_step, b_k, b_column, b_step, c.strides[-2], c_step),
        is_biased,
        not _contiguous(b, -1) or (b_k >= FAR and rows >= MANY),
        thread_memory(),
    )


def _has_few_columns(a: Array, b: Array, c: Array) -> bool:
    """Return whether a tile would be so empty that a sum over vectors of k is faster (measured).

    So it is with few rows too, by which each number copied into a panel is multiplied.
    """
    depth, columns = b.shape[-2:]
    filled = columns * c.itemsize / VECTOR
    limit = 3 / 4 if depth >= LONG else 1 / 2
    along_k = _contiguous(a, -1) and _contiguous(b, -2)
    return MASKS and along_k and (filled <= limit or a.shape[-2] <= FEW)


def _contiguous(array: Array, axis: int) -> bool:
    return array.shape[axis] == 1 or array.strides[axis] == array.itemsize


def _first(array: Array) -> Any:
    """Return a view of an array's first number; routines find the others by strides."""
    return as_strided(array, (1,), (array.itemsize,))
