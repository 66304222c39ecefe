"""The innermost loops of convolutions, in explicit vector instructions.

A tile of results stays in the processor's registers while the loop over a sum runs; a compiler does
not find this form by itself, so it is written as LLVM instructions. Images have the batch axis
last, so that vectors are numbers of neighboring samples and columns, wherever a window begins. A
table says where the window's numbers are, so no patch is copied (no "im2col").

Addresses, and distances in bytes, are int64. Lanes after the last number of a row of results are
neither read nor written.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from declnet_jit.kernels.vectors import cases, vectors_of
from declnet_jit.routine import Intrinsic


class Tile(NamedTuple):
    """The largest tiles that fit the registers of a processor.

    Attributes:
        width: bytes of a vector.
        rows: rows of a convolution's tile, each of two vectors.
        filters: rows of the tile of a weight gradient.
        places: its columns.
    """

    width: int
    rows: int
    filters: int
    places: int


def tile_for(features: Mapping[str, bool]) -> Tile:
    """Return the tiles for a processor with these features, as named by LLVM."""
    if features.get("avx512f"):
        return Tile(64, 8, 4, 6)  # of 32 registers
    if features.get("avx2") and features.get("fma"):
        return Tile(32, 6, 3, 3)  # of 16 registers
    return Tile(16, 4, 2, 4)


def convolution_tile(tile: Tile) -> Intrinsic:
    """Return the tile of a convolution, for routines."""

    def convolve_tile(  # type: ignore[no-untyped-def]
        _context,
        _rows,
        _source,
        _offsets,
        _depth,
        _weights,
        _biases,
        _target,
        _target_row,
        _lanes,
        low,
    ):
        """target[r, s] = max(biases[r] + sum of weights[k, r] * source[o(k) + s], low).

        Args:
            rows: 1 to tile.rows.
            source: the address from which to count offsets.
            offsets: the address of the offsets o(k) in bytes.
            depth: the number of offsets.
            weights: the address of the weights, (depth, rows).
            biases: the address of a number for each row.
            target, target_row: the address of the results, and the distance of rows.
            lanes: 1 to two vectors of numbers in each row.
            low: the lowest result.
        """
        from llvmlite import ir
        from numba import types
        from numba.core import cgutils

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            rows, source, offsets, depth, weights, biases = arguments[:6]
            target, target_row, lanes, low = arguments[6:]
            word = ir.IntType(64)
            emit = vectors_of(builder, low.type, tile.width)
            one = emit.lanes_each
            wide = builder.icmp_signed(">", lanes, word(one))
            sums = emit.variable(2 * tile.rows)

            def body(case: int) -> None:
                count, vectors = case // 2, case % 2 + 1
                own = [sums[2 * r : 2 * r + vectors] for r in range(count)]
                for r, row in enumerate(own):
                    bias = emit.load_repeated(biases, r * emit.bytes_each)
                    for each in row:
                        builder.store(bias, each)
                with cgutils.for_range(builder, depth) as loop:
                    offset = builder.add(offsets, builder.shl(loop.index, word(3)))
                    at = builder.add(source, builder.load(emit.at(offset, 0, word)))
                    step = word(count * emit.bytes_each)
                    weight = builder.add(weights, builder.mul(loop.index, step))
                    for j in range(vectors):  # what the next tile reads
                        emit.prefetch(at, (j + vectors) * tile.width)
                    seen = [emit.load(at, j * tile.width) for j in range(vectors)]
                    for r, row in enumerate(own):
                        factor = emit.load_repeated(weight, r * emit.bytes_each)
                        for each, value in zip(row, seen, strict=True):
                            total = emit.multiply_add(factor, value, builder.load(each))
                            builder.store(total, each)
                lowest = emit.repeat(low)
                last = builder.sub(lanes, word((vectors - 1) * one))
                mask, place = emit.first(last), target
                whole = builder.icmp_signed(">=", last, word(one))
                for row in own:
                    for each in row:
                        value = builder.load(each)
                        # NaN is not less than a number, so it stays
                        less = builder.fcmp_ordered("<", value, lowest)
                        builder.store(builder.select(less, lowest, value), each)
                    for j, each in enumerate(row[:-1]):
                        emit.store(builder.load(each), place, j * tile.width)
                    place = builder.add(place, target_row)
                place = builder.add(target, word((vectors - 1) * tile.width))
                with builder.if_else(whole) as (full, partial):
                    with full:
                        at = place
                        for row in own:
                            emit.store(builder.load(row[-1]), at)
                            at = builder.add(at, target_row)
                    with partial:
                        at = place
                        for row in own:
                            emit.store_first(builder.load(row[-1]), at, mask)
                            at = builder.add(at, target_row)

            case = builder.add(builder.shl(rows, word(1)), builder.zext(wide, word))
            cases(builder, case, range(2, 2 * tile.rows + 2), body)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 9, low), generate

    return Intrinsic(convolve_tile)


def gradient_tile(tile: Tile) -> Intrinsic:
    """Return the tile of a weight gradient, for routines."""

    def correlate_tile(  # type: ignore[no-untyped-def]
        _context,
        _filters,
        _slopes,
        _slopes_filter,
        _slopes_row,
        _source,
        _source_row,
        _offsets,
        _rows,
        _lanes,
        _target,
        _target_row,
        zero,
    ):
        """target[f, k] += sum over i, s of slopes[f, i, s] * source[offsets[k] + (i, s)].

        Args:
            filters: 1 to tile.filters.
            slopes, slopes_filter, slopes_row: address, and the distances of filters and rows.
            source, source_row: the address from which to count offsets, and the distance of rows.
            offsets: the address of tile.places offsets in bytes.
            rows: the number of rows i, at least 1.
            lanes: the number of numbers s in each.
            target, target_row: the address of the sums, and the distance of filters.
            zero: 0 of the type of the numbers.
        """
        from llvmlite import ir
        from numba import types
        from numba.core import cgutils

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            filters, slopes, slopes_filter, slopes_row, source, source_row = arguments[:6]
            offsets, rows, lanes, target, target_row, zero = arguments[6:]
            word = ir.IntType(64)
            emit = vectors_of(builder, zero.type, tile.width)
            one = word(emit.lanes_each)
            sums = emit.variable(tile.filters * tile.places)
            away = [builder.load(emit.at(offsets, 8 * k, word)) for k in range(tile.places)]
            whole, rest = builder.sdiv(lanes, one), builder.srem(lanes, one)
            mask = emit.first(rest)

            def body(count: int) -> None:
                own = [sums[f * tile.places : (f + 1) * tile.places] for f in range(count)]
                for each in (each for row in own for each in row):
                    builder.store(emit.zero, each)

                def step(at_slopes: Any, at_source: Any, load: Callable[[Any], Any]) -> None:
                    slope = []
                    for _ in own:
                        slope.append(load(at_slopes))
                        at_slopes = builder.add(at_slopes, slopes_filter)
                    for k in range(tile.places):
                        value = load(builder.add(at_source, away[k]))
                        for f, row in enumerate(own):
                            total = emit.multiply_add(slope[f], value, builder.load(row[k]))
                            builder.store(total, row[k])

                with cgutils.for_range(builder, rows) as loop:
                    row_slopes = builder.add(slopes, builder.mul(loop.index, slopes_row))
                    row_source = builder.add(source, builder.mul(loop.index, source_row))
                    with cgutils.for_range(builder, whole) as inner:
                        done = builder.mul(inner.index, word(tile.width))
                        at = builder.add(row_slopes, done), builder.add(row_source, done)
                        step(*at, emit.load)
                    with builder.if_then(builder.icmp_signed(">", rest, word(0))):
                        done = builder.mul(whole, word(tile.width))
                        at = builder.add(row_slopes, done), builder.add(row_source, done)
                        step(*at, lambda address: emit.load_first(address, mask))
                place = target
                for row in own:
                    for k, each in enumerate(row):
                        pointer = emit.at(place, k * emit.bytes_each, zero.type)
                        total = builder.fadd(builder.load(pointer), emit.total(builder.load(each)))
                        builder.store(total, pointer)
                    place = builder.add(place, target_row)

            cases(builder, filters, range(1, tile.filters + 1), body)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11, zero), generate

    return Intrinsic(correlate_tile)
