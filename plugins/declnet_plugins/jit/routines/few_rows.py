# ruff: noqa: ARG001  # the arguments of intrinsics have types, not values
"""Products with so few rows that moving numbers takes longer than multiplying them.

`multiply_shallow` sums few products for each number of c, as a dense layer with few inputs does, or
the gradient of the inputs of one with few units. `rectified_gradient` is the backward pass of a
dense layer with few inputs and a ReLU. Few means at most `FEW`. Vectors are along the samples; the
few rows are loaded once for `ROWS` of the others.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet import Array, NativeCall
from declnet_plugins.jit.routines.micro_kernel import BIASES, FEW, NOTHING, TILE, calling
from declnet_plugins.jit.routines.routine import Intrinsic, Routine, rounded_as_written
from declnet_plugins.jit.routines.vectors import Values, Vectors

ROWS = 4 if TILE.bytes == 64 else 2  # AVX-512 has twice as many registers
"""Rows that are computed together."""

MASKS = TILE.bytes >= 32
"""Whether the processor loads a part of a vector in one instruction."""


@Routine
def multiply_shallow(  # type: ignore[no-untyped-def]
    part, parts, a, b, c, biases, low, rows, depth, columns, a_row, a_k, b_k, c_row, biased
):
    """C = max(a b + biases, low) for few k; b and c are contiguous along rows.

    Of a, b and c, only the addresses are used, with the strides that follow.
    """
    size, start = np.int64(a.itemsize), BIASES if biased else NOTHING
    stop = rows * (part + 1) // parts
    for row in range(rows * part // parts, stop, ROWS):
        multiply_shallow_rows(
            min(ROWS, stop - row),
            depth,
            a.ctypes.data + row * a_row,
            a_row,
            a_k,
            b.ctypes.data,
            b_k,
            c.ctypes.data + row * c_row,
            c_row,
            columns,
            start,
            biases.ctypes.data + row * size,
            low,
        )


@rounded_as_written  # a compiler would split the sums of slopes, for some numbers of rows only
def multiply_positive(part, parts, x, y, dy, dw, db):  # type: ignore[no-untyped-def]
    """Dw = x (dy where y > 0).T and db = its sums, for few rows of x; dy is unchanged.

    The arrays are contiguous, x (inputs, n), y and dy (units, n).
    """
    few, units, n = np.int64(x.shape[0]), np.int64(y.shape[0]), np.int64(y.shape[1])
    size, zero = np.int64(y.itemsize), dw.dtype.type(0)
    stop = units * (part + 1) // parts
    for unit in range(units * part // parts, stop, ROWS):
        multiply_positive_rows(
            min(ROWS, stop - unit),
            few,
            x.ctypes.data,
            y.ctypes.data + unit * n * size,
            dy.ctypes.data + unit * n * size,
            n * size,
            dw.ctypes.data + unit * size,
            units * size,
            db.ctypes.data + unit * size,
            n,
            zero,
        )


def rectified_gradient(x: Array, y: Array, dy: Array, dw: Array, db: Array) -> NativeCall | None:
    """Return a call that computes dw = x (dy where y > 0).T, and db = its sums.

    Args:
        x: (1, inputs, n).
        y: (1, units, n), as dy.
        dy: contiguous, as y, dw and db.
        dw: (inputs, units).
        db: (units,).

    Returns:
        The call; None if x has more than `FEW` inputs, steps or gaps, or if it would be slow.
    """
    if not (MASKS and len(x) == 1 and x.shape[1] <= FEW and x.flags.c_contiguous):
        return None
    return multiply_positive.bound(x[0], y[0], dy[0], dw, db)


def _multiply_shallow_rows(code: Vectors, rows: int, depth: int, *arguments: Any) -> None:
    """Emit `multiply_shallow_rows` for one number of rows and k."""
    a, a_row, a_k, b, b_k, c, c_row, columns, start, biases, low = arguments
    lowest = code.repeat(low)
    left = [
        [code.load_repeated(place) for place in code.rows(row, a_k, depth)]
        for row in code.rows(a, a_row, rows)
    ]

    def from_biases() -> list[Any]:
        return [code.load_repeated(biases, i * code.size) for i in range(rows)]

    first = code.cases(start, {NOTHING: lambda: [code.zeros] * rows, BIASES: from_biases})

    def turn(mask: Any, b: Any, c: Any) -> list[Any]:
        right = [code.load(row, mask=mask) for row in code.rows(b, b_k, depth)]
        for i, place in enumerate(code.rows(c, c_row, rows)):
            value = first[i]
            for k in range(depth):
                value = code.multiply_add(left[i][k], right[k], value)
            code.store(code.at_least(value, lowest), place, mask=mask)
        return []

    _in_vectors(code, columns, [b, c], [], turn)


def _multiply_positive_rows(code: Vectors, rows: int, few: int, *arguments: Any) -> None:
    """Emit `multiply_positive_rows` for one number of units and inputs."""
    x, y, dy, row, dw, dw_row, db, count, _ = arguments
    builder, per_unit = code.builder, few + 1

    def turn(mask: Any, x: Any, y: Any, dy: Any, *sums: Any) -> list[Any]:
        inputs = [code.load(place, mask=mask) for place in code.rows(x, row, few)]
        added = []
        places = zip(code.rows(y, row, rows), code.rows(dy, row, rows), strict=True)
        for i, (value, slope) in enumerate(places):
            positive = builder.fcmp_ordered(">", code.load(value, mask=mask), code.zeros)
            slopes = builder.select(positive, code.load(slope, mask=mask), code.zeros)
            of_unit = sums[i * per_unit : (i + 1) * per_unit]
            added += [code.multiply_add(inputs[k], slopes, of_unit[k]) for k in range(few)]
            added.append(builder.fadd(of_unit[few], slopes))
        return added

    sums = _in_vectors(code, count, [x, y, dy], [code.zeros] * (rows * per_unit), turn)
    for i in range(rows):
        places = [*code.rows(dw, dw_row, few), db]
        for place, value in zip(places, sums[i * per_unit : (i + 1) * per_unit], strict=True):
            builder.store(code.total(value), code.at(place, i * code.size), align=code.size)


def _in_vectors(
    code: Vectors,
    count: Any,
    places: Sequence[Any],
    sums: Sequence[Any],
    turn: Callable[..., Values],
) -> Values:
    """Emit a loop over the vectors of rows; return the sums after it.

    Args:
        code: where to emit.
        count: the numbers in a row.
        places: addresses of rows.
        sums: values before the first turn.
        turn: emits a turn, from the mask of its numbers, their addresses and the sums before it;
            it returns the sums after it.
    """
    builder, lanes = code.builder, code.word(code.lanes)

    def body(number: Any, *values: Any) -> list[Any]:
        mask = code.first(builder.sub(count, builder.mul(number, lanes)))
        following = [code.plus(value, code.width) for value in values[: len(places)]]
        return [*following, *turn(mask, *values)]

    turns = builder.sdiv(builder.add(count, code.word(code.lanes - 1)), lanes)
    return code.loop(turns, [*places, *sums], body)[len(places) :]


@Intrinsic
def multiply_shallow_rows(  # type: ignore[no-untyped-def]
    typing, rows, depth, a, a_row, a_k, b, b_k, c, c_row, columns, start, biases, low
):
    """C = max(start + a b, low) for some rows of a and c, and few k.

    Args:
        typing: Numba's typing context.
        rows: rows of a and c, at most `ROWS`.
        depth: how many k there are, at most `FEW`.
        a: address of a, with the strides of its two axes.
        b: address of b, with the stride from one k to the next.
        c: address of c, with the stride of its rows.
        columns: columns of b and c, at least 1.
        start: `NOTHING` or `BIASES`.
        biases: address of a number for each row.
        low: the lower bound; its type is that of all numbers. NaN is not less.
    """
    return calling(_multiply_shallow_rows, 12, low, ROWS, FEW)


@Intrinsic
def multiply_positive_rows(typing, rows, few, x, y, dy, row, dw, dw_row, db, count, zero):  # type: ignore[no-untyped-def]
    """Dw = x (dy where y > 0).T, and db = its sums, for some units and few inputs.

    Args:
        typing: Numba's typing context.
        rows: units, at most `ROWS`.
        few: inputs, at most `FEW`.
        x: address of x.
        y: address of y.
        dy: address of dy.
        row: stride of the rows of x, y and dy.
        dw: address and stride of dw's rows.
        db: address of db.
        count: the number of samples, at least 1.
        zero: any number of the type.
    """
    return calling(_multiply_positive_rows, 10, zero, ROWS, FEW)
