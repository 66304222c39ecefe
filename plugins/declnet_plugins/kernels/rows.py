# ruff: noqa: ARG001  # the arguments of intrinsics have types, not values
"""Products within routines, of a few rows each.

Weights that many rows are multiplied by are packed once: a routine calls `multiply` with
panels that `Panels` has allocated, and whose contents its calls fill.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from declnet import Array, Dtype
from declnet_plugins.jit import NOTHING, SUMS, TILE, Intrinsic, Routine, multiply_tile

ROWS, VECTOR, PANEL_ROW = TILE.rows, TILE.bytes, TILE.vectors * TILE.bytes


def address(array: Any) -> Any:
    """Return the address of an array's first number, in a routine."""
    return np.int64(array.ctypes.data)


@Routine
def multiply_rows(  # type: ignore[no-untyped-def]
    a, a_row, panels, depth, c, c_row, rows, columns, adds, size, zero
):
    """C = a w, or c + a w; see `multiply`."""
    lanes, wide, tiles = VECTOR // size, PANEL_ROW // size, (rows + ROWS - 1) // ROWS
    lowest, start = type(zero)(-np.inf), SUMS if adds else NOTHING
    for column in range(0, columns, wide):
        width = min(wide, columns - column)
        vectors = (width + lanes - 1) // lanes
        for tile in range(tiles):
            row = rows * tile // tiles
            multiply_tile(
                rows * (tile + 1) // tiles - row,
                vectors,
                width - (vectors - 1) * lanes,
                a + row * a_row,
                a_row,
                size,
                panels + column * depth * size,
                PANEL_ROW,
                c + row * c_row + column * size,
                c_row,
                depth,
                start,
                0,
                lowest,
            )


WORDS = 11


def multiplier(dtype: Dtype) -> int:
    """Return the address of `multiply_rows` for a type, which `multiply` needs.

    So it is compiled once, not again for each routine that has products.
    """
    return multiply_rows.bound(*[0] * 8, False, 0, dtype.type(0)).address


@Intrinsic
def multiply(  # type: ignore[no-untyped-def]
    typing, function, a, a_row, panels, depth, c, c_row, rows, columns, adds, size
):
    """C = a w, or c + a w, of packed weights; a and c are contiguous along rows.

    Args:
        typing: Numba's typing context.
        function: from `multiplier`.
        a: address of a, (rows, depth), with the stride of its rows.
        panels: address of the weights.
        depth: columns of a.
        c: address of c, (rows, columns), with the stride of its rows.
        rows: rows of a and c.
        columns: columns of c.
        adds: 1 to add to c, else 0.
        size: the size of a number in bytes.
    """
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    def generate(context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        word, function = ir.IntType(64), arguments[0]
        block = cgutils.alloca_once(builder, word, WORDS)
        for place, value in enumerate([*arguments[1:], word(0)]):
            builder.store(value, builder.gep(block, [word(place)]))
        kind = ir.FunctionType(ir.VoidType(), [block.type])
        builder.call(builder.inttoptr(function, kind.as_pointer()), [block])
        return context.get_dummy_value()

    return types.void(*[types.int64] * WORDS), generate


class Panels:
    """Weights as `multiply` reads them, several matrices in one array.

    Attributes:
        flat: the array.
        blocks: a row for each matrix, int64: its first row among the columns of a, its number of
            rows, its first column in c, its number of columns, and where its panels begin in
            `flat`.
        calls: fill the array.
    """

    def __init__(self, dtype: Dtype, matrices: Sequence[tuple[int, int, Sequence[Array]]]) -> None:
        """Allocate.

        Args:
            matrices: for each, its first row, its first column, and arrays (…, columns) that are
                below each other in it.
        """
        wide = PANEL_ROW // dtype.itemsize
        sizes = [(sum(map(len, parts)), parts[0].shape[1]) for _, _, parts in matrices]
        lengths = [-(-columns // wide) * depth * wide for depth, columns in sizes]
        offsets = np.cumsum([0, *lengths])
        self.flat = np.zeros(offsets[-1], dtype)
        self.blocks = np.array(
            [
                (row, depth, column, columns, offset)
                for (row, column, _), (depth, columns), offset in zip(
                    matrices, sizes, offsets, strict=False
                )
            ],
            np.int64,
        )
        self.calls = tuple(self._packing(matrices, sizes, offsets, wide))

    def _packing(
        self,
        matrices: Sequence[tuple[int, int, Sequence[Array]]],
        sizes: Sequence[tuple[int, int]],
        offsets: Array,
        wide: int,
    ) -> Iterator[Callable[[], object]]:
        """Yield copies to panels[p, row] of matrix[row, p * wide :]."""
        for number, (_, _, parts) in enumerate(matrices):
            depth, columns = sizes[number]
            panels = self.flat[offsets[number] : offsets[number + 1]].reshape(-1, depth, wide)
            whole, row = columns // wide, 0
            for part in parts:
                rows = slice(row, row + len(part))
                left = part[:, : whole * wide].reshape(len(part), whole, wide).swapaxes(0, 1)
                yield partial(np.copyto, panels[:whole, rows], left)
                if columns % wide:
                    last = panels[whole, rows, : columns % wide]
                    yield partial(np.copyto, last, part[:, whole * wide :])
                row += len(part)
