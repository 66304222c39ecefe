"""The innermost loops of convolutions, in explicit vector instructions.

A tile of results stays in the processor's registers while the loop over a sum runs; a compiler does
not find this form, so it is written as LLVM instructions. Images have the batch axis
last, so that vectors are numbers of neighboring samples and columns, wherever a window begins. A
table says where the window's numbers are, so no patch is copied (no "im2col").

Addresses, and distances in bytes, are int64. What follows the last number of a row of results is
never written; `convolve_tile` may read up to two vectors after the last number of its source.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from declnet_plugins.jit import Intrinsic, Vectors


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
        from numba import types

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            rows, source, offsets, depth, weights, biases = arguments[:6]
            target, target_row, lanes, low = arguments[6:]
            code = Vectors(builder, low.type, tile.width)

            def case(count: int, vectors: int) -> tuple[()]:
                columns = [j * tile.width for j in range(vectors)]

                def turn(k: Any, *sums: Any) -> list[Any]:
                    offset = builder.add(offsets, builder.shl(k, code.word(3)))
                    at = builder.add(source, builder.load(code.at(offset, kind=code.word)))
                    weight = builder.add(weights, builder.mul(k, code.word(count * code.size)))
                    for column in columns:  # what the next tile reads
                        code.prefetch(at, column + vectors * tile.width)
                    seen = [code.load(at, column) for column in columns]
                    factors = [code.load_repeated(weight, r * code.size) for r in range(count)]
                    pairs = product(factors, seen)
                    return [
                        code.multiply_add(factor, value, total)
                        for (factor, value), total in zip(pairs, sums, strict=True)
                    ]

                first = [code.load_repeated(biases, r * code.size) for r in range(count)]
                sums = code.loop(depth, [total for total in first for _ in columns], turn)
                lowest = code.repeat(low)
                results = [code.at_least(sum_, lowest) for sum_ in sums]
                places = code.rows(target, target_row, count)
                for r, place in enumerate(places):
                    for j, column in enumerate(columns[:-1]):
                        code.store(results[r * vectors + j], place, column)
                ends = [code.plus(place, columns[-1]) for place in places]
                last = builder.sub(lanes, code.word((vectors - 1) * code.lanes))
                code.store_ends(results[vectors - 1 :: vectors], ends, last)
                return ()

            wide = builder.icmp_signed(">", lanes, code.word(code.lanes))
            sizes = product(range(1, tile.rows + 1), (1, 2))
            bodies = {
                2 * count + vectors - 1: partial(case, count, vectors) for count, vectors in sizes
            }
            code.cases(
                builder.add(builder.shl(rows, code.word(1)), builder.zext(wide, code.word)), bodies
            )
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
        from numba import types

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            filters, slopes, slopes_filter, slopes_row, source, source_row = arguments[:6]
            offsets, rows, lanes, target, target_row, zero = arguments[6:]
            code = Vectors(builder, zero.type, tile.width)
            away = [builder.load(code.at(offsets, 8 * k, code.word)) for k in range(tile.places)]
            one, width = code.word(code.lanes), code.word(tile.width)
            whole, rest = builder.sdiv(lanes, one), builder.srem(lanes, one)
            mask, has_rest = code.first(rest), builder.icmp_signed(">", rest, code.word(0))

            def case(count: int) -> tuple[()]:
                def turn(row: Any, *before: Any) -> Sequence[Any]:
                    row_slopes = builder.add(slopes, builder.mul(row, slopes_row))
                    row_source = builder.add(source, builder.mul(row, source_row))

                    def step(mask: Any, number: Any, *sums: Any) -> list[Any]:
                        done = builder.mul(number, width)
                        at = builder.add(row_source, done)
                        places = code.rows(builder.add(row_slopes, done), slopes_filter, count)
                        slopes = [code.load(place, mask=mask) for place in places]
                        seen = [code.load(builder.add(at, offset), mask=mask) for offset in away]
                        return [
                            code.multiply_add(slope, value, total)
                            for (slope, value), total in zip(
                                product(slopes, seen), sums, strict=True
                            )
                        ]

                    sums = code.loop(whole, before, partial(step, None))
                    turns = builder.zext(has_rest, code.word)
                    return code.loop(turns, sums, lambda _, *state: step(mask, whole, *state))

                sums = code.loop(rows, [code.zeros] * (count * tile.places), turn)
                for f, place in enumerate(code.rows(target, target_row, count)):
                    for k in range(tile.places):
                        pointer = code.at(place, k * code.size)
                        total = code.total(sums[f * tile.places + k])
                        builder.store(builder.fadd(builder.load(pointer), total), pointer)
                return ()

            code.cases(
                filters, {count: partial(case, count) for count in range(1, tile.filters + 1)}
            )
            return context.get_dummy_value()

        return types.void(*[types.int64] * 11, zero), generate

    return Intrinsic(correlate_tile)
