"""The innermost loops of convolutions, in explicit vector instructions.

A tile of results stays in the processor's registers while the loop over a sum runs; a compiler does
not find this form by itself, so it is written as LLVM instructions. Images have the batch axis
last, so that vectors are numbers of neighboring samples and columns, wherever a window begins. A
table says where the window's numbers are, so no patch is copied (no "im2col").

Addresses, and distances in bytes, are int64. What follows the last number of a row of results is
never written; `convolve_tile` may read up to two vectors after the last number of its source.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from declnet_jit import Intrinsic


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


def vectors_of(builder: Any, number: Any, width: int) -> Any:
    """Return functions that emit operations on vectors of a type of numbers.

    Args:
        builder: where to emit.
        number: the LLVM type of float32 or float64.
        width: bytes of a vector.
    """
    from llvmlite import ir

    size = 4 if isinstance(number, ir.FloatType) else 8
    lanes = width // size
    vector, word, lane = ir.VectorType(number, lanes), ir.IntType(64), ir.IntType(32)
    lane_numbers = ir.VectorType(lane, lanes)
    mask_type = ir.VectorType(ir.IntType(1), lanes)

    def declared(name: str, kind: Any, suffix: str = "") -> Any:
        full = f"llvm.{name}.v{lanes}f{8 * size}{suffix}"
        return builder.module.globals.get(full) or ir.Function(builder.module, kind, full)

    def repeated(value: Any, kind: Any) -> Any:
        unset = ir.Constant(kind, ir.Undefined)
        first = builder.insert_element(unset, value, lane(0))
        return builder.shuffle_vector(first, unset, ir.Constant(lane_numbers, [0] * lanes))

    class Vectors:
        """What is emitted; addresses are words."""

        zero = ir.Constant(vector, [0.0] * lanes)
        bytes_each = size
        lanes_each = lanes

        def variable(self, count: int) -> list[Any]:
            """Return memory for vectors, which the compiler will keep in registers."""
            with builder.goto_entry_block():
                return [builder.alloca(vector) for _ in range(count)]

        def at(self, address: Any, offset: int, kind: Any = vector) -> Any:
            """Return a pointer to an address plus some bytes."""
            return builder.inttoptr(builder.add(address, word(offset)), kind.as_pointer())

        def load(self, address: Any, offset: int = 0) -> Any:
            return builder.load(self.at(address, offset), align=size)

        def store(self, value: Any, address: Any, offset: int = 0) -> None:
            builder.store(value, self.at(address, offset), align=size)

        def prefetch(self, address: Any, offset: int) -> None:
            """Begin to move the memory at an address plus some bytes to the nearest cache."""
            pointer, name = self.at(address, offset, ir.IntType(8)), "llvm.prefetch.p0"
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, lane, lane, lane])
            known = builder.module.globals.get(name)
            function = known or ir.Function(builder.module, kind, name)
            builder.call(function, [pointer, lane(0), lane(3), lane(1)])

        def repeat(self, value: Any) -> Any:
            """Return a vector with a number in all lanes."""
            return repeated(value, vector)

        def load_repeated(self, address: Any, offset: int = 0) -> Any:
            """Load a number into all lanes."""
            return repeated(builder.load(self.at(address, offset, number), align=size), vector)

        def first(self, count: Any) -> Any:
            """Return the mask of the first lanes."""
            limit = repeated(builder.trunc(count, lane), lane_numbers)
            order = ir.Constant(lane_numbers, list(range(lanes)))
            return builder.icmp_signed("<", order, limit)

        def load_first(self, address: Any, mask: Any) -> Any:
            """Load the lanes of a mask; the others are 0."""
            pointer = self.at(address, 0)
            kind = ir.FunctionType(vector, [pointer.type, lane, mask_type, vector])
            function = declared("masked.load", kind, ".p0")
            return builder.call(function, [pointer, lane(size), mask, self.zero])

        def store_first(self, value: Any, address: Any, mask: Any) -> None:
            """Store the lanes of a mask."""
            pointer = self.at(address, 0)
            kind = ir.FunctionType(ir.VoidType(), [vector, pointer.type, lane, mask_type])
            function = declared("masked.store", kind, ".p0")
            builder.call(function, [value, pointer, lane(size), mask])

        def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
            """Return a * b + c."""
            kind = ir.FunctionType(vector, [vector] * 3)
            return builder.call(declared("fmuladd", kind), [a, b, c])

        def total(self, value: Any) -> Any:
            """Return the sum of all lanes, by halves."""
            remaining = lanes
            while remaining > 1:
                remaining //= 2
                order = [i + remaining if i < remaining else i for i in range(lanes)]
                moved = builder.shuffle_vector(value, value, ir.Constant(lane_numbers, order))
                value = builder.fadd(value, moved)
            return builder.extract_element(value, lane(0))

    return Vectors()


def cases(builder: Any, value: Any, numbers: Iterable[int], body: Callable[[int], None]) -> None:
    """Emit a body for each of some numbers; the one for a value runs."""
    after = builder.append_basic_block("after")
    switch = builder.switch(value, after)
    for number in numbers:
        block = builder.append_basic_block(f"case_{number}")
        switch.add_case(value.type(number), block)
        builder.position_at_end(block)
        body(number)
        builder.branch(after)
    builder.position_at_end(after)


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
