# ruff: noqa: ARG001  # the arguments of intrinsics have types, not values
"""The innermost loops of a matrix product, in explicit vector instructions.

`multiply_tile` computes a small tile of c = a b that fits in the processor's registers. In the
loop over k, each step loads one row of b's tile as whole vectors, and one column of a's tile as
single numbers that are copied into all lanes:

    for k in range(depth):
        for i in range(rows):
            for j in range(vectors):
                c[i, j] += a[i, k] * b[k, j]        # c[i, j] and b[k, j] are vectors

With 12 rows of 2 vectors, a step has 24 multiplications and additions but only 14 loads, and
consecutive ones do not depend on each other; so the processor's multipliers are always busy, which
a loop over c's elements cannot achieve. Compilers do not find this form, so it is
written as LLVM instructions, of which Numba makes functions that routines can call ("intrinsics").

`multiply_rows` is for products so narrow that most of a tile would be empty: there k is along the
vectors, whose lanes are added at the end. `copy_columns` and `copy_rows` copy parts of a matrix
into panels, where the numbers that a step of the loop reads are next to each other.

The code is the same on all processors; `Tile` has the sizes that fit their registers. The order in
which a number is summed depends neither on the tile it falls in, nor on its position there.

Addresses, and strides in bytes, are int64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from declnet_plugins.jit.routines.routine import Intrinsic
from declnet_plugins.jit.routines.vectors import Vectors, host_features


@dataclass(frozen=True)
class Tile:
    """The largest tile that fits in the registers of a processor.

    Attributes:
        rows: numbers that one step takes from a.
        vectors: vectors that it takes from b.
        bytes: the size of a vector.
    """

    rows: int
    vectors: int
    bytes: int


def tile_for(features: Mapping[str, bool]) -> Tile:
    """Return the tile for a processor with these features, as named by LLVM."""
    if features.get("avx512f"):
        return Tile(12, 2, 64)  # of 32 registers
    if features.get("avx2") and features.get("fma"):
        return Tile(6, 2, 32)  # of 16 registers
    return Tile(4, 2, 16)


TILE = tile_for(host_features())

DEPTH = 512
"""Number of k summed before the next part of a and b is copied."""

PANELS = 2
"""Panels of b, one tile wide, that are copied together. A tile of a is read for all of them."""

PANEL_BYTES = (DEPTH + TILE.bytes // 4) * TILE.vectors * TILE.bytes
"""The size of a panel, with room for the whole vectors that `copy_columns` writes."""

A_ROW = DEPTH * 8 + 64
"""The distance of a tile's rows of a, if they are copied, with room for a whole vector at the end;
not a power of two, so that they do not displace each other in the cache."""

FEW = 4
"""The largest number of rows for `multiply_rows`; the sums of more do not fit in the registers."""

AHEAD = 16
"""Number of k by which a's numbers are prefetched; processors do not predict long strides."""

NOTHING, BIASES, SUMS = 0, 1, 2
"""What `multiply_tile` adds to: zeros, a number for each row, or what the tile contains."""


def _multiply_tile(code: Vectors, rows: int, vectors: int, *arguments: Any) -> None:
    """Emit c = max(a b + …, low) for one number of rows and vectors; see `multiply_tile`."""
    tail, a, a_row, a_k, b, b_k, c, c_row, depth, start, biases, low = arguments
    builder = code.builder
    mask = code.first(tail)
    offsets = [j * code.width for j in range(vectors)]
    places = [[code.plus(row, offset) for offset in offsets] for row in code.rows(c, c_row, rows)]

    def from_biases() -> list[Any]:
        repeated = [code.load_repeated(biases, i * code.size) for i in range(rows)]
        return [value for value in repeated for _ in range(vectors)]

    def from_sums() -> list[Any]:
        masks = [*[None] * (vectors - 1), mask]
        return [
            code.load(place, mask=mask)
            for row in places
            for place, mask in zip(row, masks, strict=True)
        ]

    sums = code.cases(
        start,
        {
            NOTHING: lambda: [code.zeros] * (rows * vectors),
            BIASES: from_biases,
            SUMS: from_sums,
        },
    )

    def turn(_: Any, a: Any, b: Any, *sums: Any) -> list[Any]:
        right = [code.load(b, offset) for offset in offsets]
        added = []
        places = code.rows(a, a_row, rows)
        for place in dict.fromkeys((places[0], places[-1])):
            code.prefetch(builder.add(place, ahead))
        for i, row in enumerate(places):
            left = code.load_repeated(row)
            added += [
                code.multiply_add(left, right[j], sums[i * vectors + j]) for j in range(vectors)
            ]
        return [builder.add(a, a_k), builder.add(b, b_k), *added]

    ahead = builder.mul(a_k, code.word(AHEAD))
    _, _, *sums = code.loop(depth, [a, b, *sums], turn)
    lowest = code.repeat(low)
    sums = [code.at_least(sum_, lowest) for sum_ in sums]
    for i, row in enumerate(places):
        for place, value in zip(row[:-1], sums[i * vectors :], strict=False):
            code.store(value, place)
    code.store_ends(sums[vectors - 1 :: vectors], [row[-1] for row in places], tail)


def _multiply_rows(code: Vectors, rows: int, columns: int, *arguments: Any) -> None:
    """Emit c = a b.T for one number of rows and columns; see `multiply_rows`."""
    a, a_row, b, b_row, c, c_row, depth, _ = arguments
    builder = code.builder

    def turn(number: Any, a: Any, b: Any, *sums: Any) -> list[Any]:
        mask = code.first(builder.sub(depth, builder.mul(number, code.word(code.lanes))))
        right = [code.load(place, mask=mask) for place in code.rows(b, b_row, columns)]
        added = []
        for i, row in enumerate(code.rows(a, a_row, rows)):
            left = code.load(row, mask=mask)
            added += [
                code.multiply_add(left, right[j], sums[i * columns + j]) for j in range(columns)
            ]
        return [code.plus(a, code.width), code.plus(b, code.width), *added]

    turns = builder.sdiv(builder.add(depth, code.word(code.lanes - 1)), code.word(code.lanes))
    _, _, *sums = code.loop(turns, [a, b, *[code.zeros] * (rows * columns)], turn)
    for i, row in enumerate(code.rows(c, c_row, rows)):
        for j in range(columns):
            total = code.total(sums[i * columns + j])
            builder.store(total, code.at(row, j * code.size), align=code.size)


def _copy_rows(code: Vectors, *arguments: Any) -> None:
    """Emit the copy of up to one vector of each row; see `copy_rows`."""
    source, source_row, target, target_row, rows, width, _ = arguments
    mask = code.first(width)

    def turn(_: Any, source: Any, target: Any) -> list[Any]:
        code.store(code.load(source, mask=mask), target)
        return [code.builder.add(source, source_row), code.builder.add(target, target_row)]

    code.loop(rows, [source, target], turn)


def _copy_columns(code: Vectors, *arguments: Any) -> None:
    """Emit the transposing copy of up to one vector's worth of rows; see `copy_columns`."""
    source, source_row, target, target_row, columns, width, _ = arguments
    builder, lanes = code.builder, code.lanes
    last = builder.sub(width, code.word(1))
    numbers = [code.word(i) for i in range(lanes)]
    beyond = [builder.icmp_signed(">", number, last) for number in numbers]
    offsets = [
        builder.mul(source_row, builder.select(past, last, number))
        for past, number in zip(beyond, numbers, strict=True)
    ]
    block = builder.mul(target_row, code.word(lanes))

    def turn(number: Any, source: Any, target: Any) -> list[Any]:
        done = builder.mul(number, code.word(lanes))
        mask = code.first(builder.sub(columns, done))
        loaded = [code.load(builder.add(source, offset), mask=mask) for offset in offsets]
        for value, row in zip(
            code.transpose(loaded), code.rows(target, target_row, lanes), strict=True
        ):
            code.store(value, row)
        return [code.plus(source, code.width), builder.add(target, block)]

    turns = builder.sdiv(builder.add(columns, code.word(lanes - 1)), code.word(lanes))
    code.loop(turns, [source, target], turn)


def calling(
    emit: Callable[..., None], words: int, number: Any, *most: int
) -> tuple[Any, Callable[..., Any]]:
    """Return the signature and the code of an intrinsic that calls what `emit` emits.

    Args:
        emit: takes numbers, for each choice of which there is a function, then the arguments.
        words: how many arguments are int64; one more follows.
        number: the type of that one, and of all numbers.
        most: the largest of the numbers that `emit` takes, which the first arguments choose.
    """
    from numba import types

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        chosen, others = arguments[: len(most)], arguments[len(most) :]
        code = Vectors(builder, others[-1].type, TILE.bytes)
        place = code.word(0)
        for size, largest in zip(chosen, most, strict=True):
            from_zero = builder.sub(size, code.word(1))
            place = builder.add(builder.mul(place, code.word(largest)), from_zero)
        every = enumerate(product(*(range(1, largest + 1) for largest in most)))
        bodies = {number: partial(_call, code, emit, sizes, others) for number, sizes in every}
        code.cases(place, bodies)
        return context.get_dummy_value()

    return types.void(*[types.int64] * words, number), generate


def _call(
    code: Vectors, emit: Callable[..., None], sizes: Sequence[int], arguments: Sequence[Any]
) -> tuple[()]:
    """Call the function for some sizes; define it if the module does not have it yet."""
    from llvmlite import ir

    module, kind = code.builder.module, ir.FunctionType(ir.VoidType(), [a.type for a in arguments])
    name = "_".join(["declnet", emit.__name__, str(code.number), *map(str, sizes)])
    function = module.globals.get(name)
    if function is None:
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inner = ir.IRBuilder(function.append_basic_block("entry"))
        emit(Vectors(inner, code.number, TILE.bytes), *sizes, *function.args)
        inner.ret_void()
    code.builder.call(function, arguments)
    return ()


@Intrinsic
def multiply_tile(  # type: ignore[no-untyped-def]
    typing, rows, vectors, tail, a, a_row, a_k, b, b_k, c, c_row, depth, start, biases, low
):
    """C = max(start + a b, low) for a tile of c.

    Args:
        typing: Numba's typing context.
        rows: rows of a and c, at most `TILE.rows`.
        vectors: vectors in a row of b and c, at most `TILE.vectors`.
        tail: columns of c in the last vector, at least 1; b has whole vectors.
        a: address of a, with the strides of its two axes.
        b: address of b, with the stride from one k to the next.
        c: address of c, with the stride of its rows.
        depth: how many k there are, at least 1.
        start: `NOTHING`, `BIASES` or `SUMS`.
        biases: address of a number for each row.
        low: the lower bound; its type is that of all numbers. NaN is not less.
    """
    return calling(_multiply_tile, 13, low, TILE.rows, TILE.vectors)


@Intrinsic
def multiply_rows(typing, rows, columns, a, a_row, b, b_row, c, c_row, depth, zero):  # type: ignore[no-untyped-def]
    """C = a b.T for a few rows of a and b, whose numbers are next to each other.

    With so few columns, a tile's vectors would be almost empty. So vectors of k are multiplied, and
    their lanes added at the end.

    Args:
        typing: Numba's typing context.
        rows: rows of a and c, at most `FEW`.
        columns: rows of b, columns of c, at most `FEW`.
        a: address and stride of a's rows.
        b: address and stride of b's rows.
        c: address and stride of c's rows.
        depth: numbers in each row of a and b, at least 1.
        zero: any number of the type.
    """
    return calling(_multiply_rows, 9, zero, FEW, FEW)


@Intrinsic
def copy_rows(typing, source, source_row, target, target_row, rows, width, zero):  # type: ignore[no-untyped-def]
    """Copy up to a vector of each row, followed by zeros up to a whole vector.

    Args:
        typing: Numba's typing context.
        source: address and stride of the rows.
        target: address and stride of the copies.
        rows: the number of rows.
        width: numbers in each row.
        zero: any number of the type.
    """
    return calling(_copy_rows, 6, zero)


@Intrinsic
def copy_columns(typing, source, source_row, target, target_row, columns, width, zero):  # type: ignore[no-untyped-def]
    """Copy up to a vector's worth of rows, transposed: each column becomes a whole vector.

    The lanes beyond `width` are undefined. A whole vector's worth of columns is written at a time.

    Args:
        typing: Numba's typing context.
        source: address and stride of the rows.
        target: address and stride of the copies.
        columns: numbers in each row.
        width: the number of rows.
        zero: any number of the type.
    """
    return calling(_copy_columns, 6, zero)
