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
a loop over c's elements cannot achieve. A compiler does not find this form by itself, so it is
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
from pathlib import Path
from typing import Any
from zlib import crc32

from declnet_jit.routines.routine import Intrinsic

INT: Any = None
LANE: Any = None
FEATURES: Mapping[str, bool] = {}
try:
    from llvmlite import binding, ir
except ModuleNotFoundError:  # without the extra jit nothing is compiled, and the kernels say so
    pass
else:
    INT, LANE, FEATURES = ir.IntType(64), ir.IntType(32), binding.get_host_cpu_features()


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


TILE = tile_for(FEATURES)

DEPTH = 512
"""How many k are summed before the next part of a and b is copied."""

PANELS = 2
"""Panels of b, one tile wide each, that are copied at once. A tile of a is read for all of them."""

PANEL_BYTES = (DEPTH + TILE.bytes // 4) * TILE.vectors * TILE.bytes
"""The size of a panel, with room for the whole vectors that `copy_columns` writes."""

FEW = 4
"""The largest number of rows for `multiply_rows`; the sums of more do not fit in the registers."""

AHEAD = 16
"""How many k ahead a's numbers are fetched into the cache; long strides surprise processors."""

VERSION = f"{crc32(Path(__file__).read_bytes()):08x}"
"""Part of the functions' names, since the cache of compiled routines does not look into classes."""

NOTHING, BIASES, SUMS = 0, 1, 2
"""What `multiply_tile` adds to: zeros, a number for each row, or what the tile contains."""


class VectorCode:
    """Emits instructions on vectors of float32 or float64.

    Args:
        builder: where to emit.
        number: the type of one number.
        tile: the size of vectors and tiles.
    """

    def __init__(self, builder: Any, number: Any, tile: Tile) -> None:
        self.builder, self.number, self.tile = builder, number, tile
        self.size = 4 if number == ir.FloatType() else 8
        self.lanes = tile.bytes // self.size
        self.vector = ir.VectorType(number, self.lanes)
        self.mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.zeros = ir.Constant(self.vector, [0.0] * self.lanes)

    def at(self, address: Any, kind: Any) -> Any:
        """Return an address as a pointer."""
        return self.builder.inttoptr(address, kind.as_pointer())

    def plus(self, address: Any, offset: int) -> Any:
        """Return an address some bytes further."""
        return self.builder.add(address, INT(offset)) if offset else address

    def rows(self, address: Any, stride: Any, count: int) -> list[Any]:
        """Return the addresses of consecutive rows."""
        found = [address]
        for _ in range(count - 1):
            found.append(self.builder.add(found[-1], stride))
        return found

    def load(self, address: Any) -> Any:
        """Load a vector."""
        return self.builder.load(self.at(address, self.vector), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        """Store a vector."""
        self.builder.store(value, self.at(address, self.vector), align=self.size)

    def first(self, count: Any) -> Any:
        """Return the mask of the first lanes."""
        wide = ir.VectorType(LANE, self.lanes)
        indices = ir.Constant(wide, list(range(self.lanes)))
        limit = self.repeat(self.builder.trunc(count, LANE), wide)
        return self.builder.icmp_signed("<", indices, limit)

    def load_some(self, address: Any, mask: Any) -> Any:
        """Load the lanes of a mask; the others are 0."""
        pointer = self.at(address, self.vector)
        kind = ir.FunctionType(self.vector, [pointer.type, LANE, self.mask, self.vector])
        load = self.declared("masked.load", kind, ".p0")
        return self.builder.call(load, [pointer, LANE(self.size), mask, self.zeros])

    def store_some(self, value: Any, address: Any, mask: Any) -> None:
        """Store the lanes of a mask."""
        pointer = self.at(address, self.vector)
        kind = ir.FunctionType(ir.VoidType(), [self.vector, pointer.type, LANE, self.mask])
        store = self.declared("masked.store", kind, ".p0")
        self.builder.call(store, [value, pointer, LANE(self.size), mask])

    def repeat(self, value: Any, wide: Any = None) -> Any:
        """Return a vector with a number in all lanes."""
        wide = wide or self.vector
        unset = ir.Constant(wide, ir.Undefined)
        one = self.builder.insert_element(unset, value, LANE(0))
        zeros = ir.Constant(ir.VectorType(LANE, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, unset, zeros)

    def prefetch(self, address: Any) -> None:
        """Have a number loaded into the cache; any address is allowed."""
        pointer = self.at(address, self.number)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, LANE, LANE, LANE])
        module = self.builder.module
        function = module.globals.get("llvm.prefetch.p0")
        function = function or ir.Function(module, kind, "llvm.prefetch.p0")
        self.builder.call(function, [pointer, LANE(0), LANE(3), LANE(1)])

    def load_repeated(self, address: Any) -> Any:
        """Load a number into all lanes."""
        return self.repeat(self.builder.load(self.at(address, self.number), align=self.size))

    def add_product(self, a: Any, b: Any, c: Any) -> Any:
        """Return a * b + c, rounded once where the processor can."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return self.builder.call(self.declared("fmuladd", kind), [a, b, c])

    def declared(self, name: str, kind: Any, suffix: str = "") -> Any:
        """Return one of LLVM's functions for the vectors' type."""
        full = f"llvm.{name}.v{self.lanes}f{8 * self.size}{suffix}"
        module = self.builder.module
        return module.globals.get(full) or ir.Function(module, kind, full)

    def total(self, value: Any) -> Any:
        """Return the sum of a vector's lanes: of its halves, of their halves, and so on."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            wide = ir.VectorType(LANE, lanes)
            low, high = (
                self.builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(wide, list(range(start, start + lanes))),
                )
                for start in (0, lanes)
            )
            value = self.builder.fadd(low, high)
        return self.builder.extract_element(value, LANE(0))

    def transpose(self, rows: Sequence[Any]) -> list[Any]:
        """Return as many vectors as there are lanes, transposed."""
        half, found = self.lanes // 2, list(rows)
        wide = ir.VectorType(LANE, self.lanes)
        low, high = (
            ir.Constant(wide, [start + i // 2 + i % 2 * self.lanes for i in range(self.lanes)])
            for start in (0, half)
        )
        for _ in range(self.lanes.bit_length() - 1):  # interleaves row i and i + half
            pairs = [(found[i], found[i + half]) for i in range(half)]
            found = [self.builder.shuffle_vector(*p, each) for p in pairs for each in (low, high)]
        return found

    def loop(self, count: Any, carried: Sequence[Any], body: Callable[..., Sequence[Any]]) -> Any:
        """Emit a loop of at least one turn.

        Args:
            count: the number of turns.
            carried: values before the first turn.
            body: emits a turn: from its number and the values before it to those after it.

        Returns:
            The values after the last turn.
        """
        builder = self.builder
        before, inside = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.branch(inside)
        builder.position_at_end(inside)
        turn = builder.phi(INT)
        values = [builder.phi(each.type) for each in carried]
        results = body(turn, *values)
        following = builder.add(turn, INT(1))
        for phi, first, later in zip(
            [turn, *values], [INT(0), *carried], [following, *results], strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(later, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
        builder.position_at_end(after)
        return results

    def cases(self, value: Any, bodies: Mapping[int, Callable[[], Sequence[Any]]]) -> list[Any]:
        """Emit a case for each value; return what the case at hand returned."""
        builder = self.builder
        after = builder.append_basic_block("chosen")
        blocks = {case: builder.append_basic_block(f"case_{case}") for case in bodies}
        switch = builder.switch(value, next(iter(blocks.values())))
        ends = []
        for case, body in bodies.items():
            switch.add_case(ir.Constant(value.type, case), blocks[case])
            builder.position_at_end(blocks[case])
            ends.append((body(), builder.block))
            builder.branch(after)
        builder.position_at_end(after)
        chosen = []
        for several in zip(*(values for values, _ in ends), strict=True):
            phi = builder.phi(several[0].type)
            for each, (_, block) in zip(several, ends, strict=True):
                phi.add_incoming(each, block)
            chosen.append(phi)
        return chosen


def _multiply_tile(code: VectorCode, rows: int, vectors: int, *arguments: Any) -> None:
    """Emit c = max(a b + …, low) for one number of rows and vectors; see `multiply_tile`."""
    tail, a, a_row, a_k, b, b_k, c, c_row, depth, start, biases, low = arguments
    builder, step = code.builder, code.tile.bytes
    mask = code.first(tail)
    places = [
        [code.plus(row, j * step) for j in range(vectors)] for row in code.rows(c, c_row, rows)
    ]

    def from_biases() -> list[Any]:
        each = [code.load_repeated(code.plus(biases, i * code.size)) for i in range(rows)]
        return [value for value in each for _ in range(vectors)]

    def from_sums() -> list[Any]:
        return [
            code.load(place) if place is not row[-1] else code.load_some(place, mask)
            for row in places
            for place in row
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
        right = [code.load(code.plus(b, j * step)) for j in range(vectors)]
        added = []
        places = code.rows(a, a_row, rows)
        for each in dict.fromkeys((places[0], places[-1])):
            code.prefetch(builder.add(each, ahead))
        for i, row in enumerate(places):
            left = code.load_repeated(row)
            added += [
                code.add_product(left, right[j], sums[i * vectors + j]) for j in range(vectors)
            ]
        return [builder.add(a, a_k), builder.add(b, b_k), *added]

    ahead = builder.mul(a_k, INT(AHEAD))
    _, _, *sums = code.loop(depth, [a, b, *sums], turn)
    lowest = code.repeat(low)
    # NaN is not less than a number, so it stays
    sums = [builder.select(builder.fcmp_ordered("<", each, lowest), lowest, each) for each in sums]
    results = [sums[i * vectors : (i + 1) * vectors] for i in range(rows)]
    for row, values in zip(places, results, strict=True):
        for place, value in zip(row[:-1], values, strict=False):
            code.store(value, place)
    whole = builder.icmp_signed("==", tail, INT(code.lanes))
    with builder.if_else(whole) as (full, partial):
        with full:
            for row, values in zip(places, results, strict=True):
                code.store(values[-1], row[-1])
        with partial:
            for row, values in zip(places, results, strict=True):
                code.store_some(values[-1], row[-1], mask)


def _multiply_rows(code: VectorCode, rows: int, columns: int, *arguments: Any) -> None:
    """Emit c = a b.T for one number of rows and columns; see `multiply_rows`."""
    a, a_row, b, b_row, c, c_row, depth = arguments
    builder = code.builder

    def turn(number: Any, a: Any, b: Any, *sums: Any) -> list[Any]:
        mask = code.first(builder.sub(depth, builder.mul(number, INT(code.lanes))))
        right = [code.load_some(each, mask) for each in code.rows(b, b_row, columns)]
        added = []
        for i, row in enumerate(code.rows(a, a_row, rows)):
            left = code.load_some(row, mask)
            added += [
                code.add_product(left, right[j], sums[i * columns + j]) for j in range(columns)
            ]
        return [code.plus(a, code.tile.bytes), code.plus(b, code.tile.bytes), *added]

    turns = builder.sdiv(builder.add(depth, INT(code.lanes - 1)), INT(code.lanes))
    _, _, *sums = code.loop(turns, [a, b, *[code.zeros] * (rows * columns)], turn)
    for i, row in enumerate(code.rows(c, c_row, rows)):
        for j in range(columns):
            place = code.at(code.plus(row, j * code.size), code.number)
            builder.store(code.total(sums[i * columns + j]), place, align=code.size)


def _copy_rows(code: VectorCode, *arguments: Any) -> None:
    """Emit the copy of up to one vector of each row; see `copy_rows`."""
    source, source_row, target, target_row, rows, width = arguments
    mask = code.first(width)

    def turn(_: Any, source: Any, target: Any) -> list[Any]:
        code.store(code.load_some(source, mask), target)
        return [code.builder.add(source, source_row), code.builder.add(target, target_row)]

    code.loop(rows, [source, target], turn)


def _copy_columns(code: VectorCode, *arguments: Any) -> None:
    """Emit the transposing copy of up to one vector's worth of rows; see `copy_columns`."""
    source, source_row, target, target_row, columns, width = arguments
    builder, lanes = code.builder, code.lanes
    last = builder.sub(width, INT(1))
    offsets = [
        builder.mul(
            source_row, builder.select(builder.icmp_signed(">", INT(i), last), last, INT(i))
        )
        for i in range(lanes)
    ]
    block = builder.mul(target_row, INT(lanes))

    def turn(number: Any, source: Any, target: Any) -> list[Any]:
        done = builder.mul(number, INT(lanes))
        mask = code.first(builder.sub(columns, done))
        loaded = [code.load_some(builder.add(source, each), mask) for each in offsets]
        for value, row in zip(
            code.transpose(loaded), code.rows(target, target_row, lanes), strict=True
        ):
            code.store(value, row)
        return [code.plus(source, code.tile.bytes), builder.add(target, block)]

    turns = builder.sdiv(builder.add(columns, INT(lanes - 1)), INT(lanes))
    code.loop(turns, [source, target], turn)


def call_emitted(
    builder: Any,
    emit: Callable[..., None],
    sizes: Sequence[int],
    arguments: Sequence[Any],
    number: Any,
) -> tuple[()]:
    """Call a function of the module that does what `emit` emits; define it if it is new."""
    kind = ir.FunctionType(ir.VoidType(), [each.type for each in arguments])
    name = "_".join(["declnet", emit.__name__, VERSION, str(number), *map(str, sizes)])
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, kind, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inner = ir.IRBuilder(function.append_basic_block("entry"))
        emit(VectorCode(inner, number, TILE), *sizes, *function.args)
        inner.ret_void()
    builder.call(function, arguments)
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
    from numba import types

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        rows, vectors, *others = arguments
        number = others[-1].type
        size = builder.add(builder.mul(rows, INT(TILE.vectors)), vectors)
        bodies = {
            r * TILE.vectors + v: partial(
                call_emitted, builder, _multiply_tile, (r, v), others, number
            )
            for r in range(1, TILE.rows + 1)
            for v in range(1, TILE.vectors + 1)
        }
        VectorCode(builder, number, TILE).cases(size, bodies)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 13, low), generate


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
    from numba import types

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        rows, columns, *others, zero = arguments
        size = builder.add(builder.mul(rows, INT(FEW + 1)), columns)
        bodies = {
            r * (FEW + 1) + v: partial(
                call_emitted, builder, _multiply_rows, (r, v), others, zero.type
            )
            for r in range(1, FEW + 1)
            for v in range(1, FEW + 1)
        }
        VectorCode(builder, zero.type, TILE).cases(size, bodies)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 9, zero), generate


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
    from numba import types

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        call_emitted(builder, _copy_rows, (), arguments[:-1], arguments[-1].type)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6, zero), generate


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
    from numba import types

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        call_emitted(builder, _copy_columns, (), arguments[:-1], arguments[-1].type)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6, zero), generate


@Intrinsic
def panels_memory(typing):  # type: ignore[no-untyped-def]
    """Return the address of memory for `PANELS` panels of b; it lasts until the routine returns."""
    from numba import types

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        with builder.goto_entry_block():
            memory = builder.alloca(ir.IntType(8), PANELS * PANEL_BYTES)
        memory.align = TILE.bytes
        return builder.ptrtoint(memory, INT)

    return types.int64(), generate
