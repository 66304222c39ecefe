"""Vector instructions for intrinsics whose loops a compiler would not vectorize."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Values = Sequence[Any]


class Vectors:
    """An emitter of instructions on vectors of float32 or float64.

    Addresses, offsets and strides are in bytes; an offset is known when the code is emitted.

    Args:
        builder: the LLVM builder.
        number: the LLVM type of one number.
        width: bytes of a vector.

    Attributes:
        size: bytes of a number.
        lanes: numbers in a vector.
        zeros: a vector of zeros.
    """

    def __init__(self, builder: Any, number: Any, width: int) -> None:
        from llvmlite import ir

        self.builder, self.number, self.width = builder, number, width
        self.size = 4 if number == ir.FloatType() else 8
        self.lanes = width // self.size
        self._ir, self.word, self._lane = ir, ir.IntType(64), ir.IntType(32)
        self._vector = ir.VectorType(number, self.lanes)
        self._mask = ir.VectorType(ir.IntType(1), self.lanes)
        self.zeros = ir.Constant(self._vector, [0.0] * self.lanes)

    def plus(self, address: Any, offset: int) -> Any:
        """Return an address some bytes further."""
        return self.builder.add(address, self.word(offset)) if offset else address

    def rows(self, address: Any, stride: Any, count: int) -> list[Any]:
        """Return the addresses of consecutive rows."""
        places = [address]
        for _ in range(count - 1):
            places.append(self.builder.add(places[-1], stride))
        return places

    def at(self, address: Any, offset: int = 0, kind: Any = None) -> Any:
        """Return a pointer to a number, or to another type."""
        kind = kind or self.number
        return self.builder.inttoptr(self.plus(address, offset), kind.as_pointer())

    def load(self, address: Any, offset: int = 0, mask: Any = None) -> Any:
        """Load a vector; with a mask, its lanes, and 0 in the others."""
        pointer = self.at(address, offset, self._vector)
        if mask is None:
            return self.builder.load(pointer, align=self.size)
        arguments = [pointer, self._lane(self.size), mask, self.zeros]
        return self._call("masked.load", self._vector, arguments, ".p0")

    def store(self, value: Any, address: Any, offset: int = 0, mask: Any = None) -> None:
        """Store a vector, or the lanes of a mask."""
        pointer = self.at(address, offset, self._vector)
        if mask is None:
            self.builder.store(value, pointer, align=self.size)
        else:
            arguments = [value, pointer, self._lane(self.size), mask]
            self._call("masked.store", self._ir.VoidType(), arguments, ".p0")

    def store_ends(self, values: Values, addresses: Values, count: Any) -> None:
        """Store the first lanes of vectors; how many, 1 to all, is known when the code runs."""
        builder = self.builder
        mask = self.first(count)
        whole = builder.icmp_signed("==", count, self.word(self.lanes))
        with builder.if_else(whole) as (full, partial):
            for branch, only in ((full, None), (partial, mask)):
                with branch:
                    for value, address in zip(values, addresses, strict=True):
                        self.store(value, address, mask=only)

    def first(self, count: Any) -> Any:
        """Return the mask of the first lanes."""
        limit = self._in_all_lanes(self.builder.trunc(count, self._lane), self._lane)
        return self.builder.icmp_signed("<", self._lane_numbers(range(self.lanes)), limit)

    def repeat(self, value: Any) -> Any:
        """Return a vector with a number in all lanes."""
        return self._in_all_lanes(value, self.number)

    def load_repeated(self, address: Any, offset: int = 0) -> Any:
        """Load a number into all lanes."""
        return self.repeat(self.builder.load(self.at(address, offset), align=self.size))

    def prefetch(self, address: Any, offset: int = 0) -> None:
        """Have memory moved to the nearest cache; any address is allowed."""
        pointer, lane = self.at(address, offset), self._lane
        arguments = [pointer, lane(0), lane(3), lane(1)]
        self._call_named("llvm.prefetch.p0", self._ir.VoidType(), arguments)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return a * b + c, rounded once where the processor can."""
        return self._call("fmuladd", self._vector, [a, b, c])

    def at_least(self, value: Any, lowest: Any) -> Any:
        """Return the larger of two vectors; NaN in the first one stays."""
        less = self.builder.fcmp_ordered("<", value, lowest)
        return self.builder.select(less, lowest, value)

    def total(self, value: Any) -> Any:
        """Return the sum of a vector's lanes: of its halves, of their halves, and so on."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            halves = range(lanes), range(lanes, 2 * lanes)
            low, high = (
                self.builder.shuffle_vector(value, value, self._lane_numbers(half))
                for half in halves
            )
            value = self.builder.fadd(low, high)
        return self.builder.extract_element(value, self._lane(0))

    def transpose(self, rows: Values) -> list[Any]:
        """Return as many vectors as there are lanes, transposed."""
        half, vectors = self.lanes // 2, list(rows)
        low, high = (
            self._lane_numbers([start + i // 2 + i % 2 * self.lanes for i in range(self.lanes)])
            for start in (0, half)
        )
        for _ in range(self.lanes.bit_length() - 1):  # interleaves row i and i + half
            pairs = [(vectors[i], vectors[i + half]) for i in range(half)]
            vectors = [
                self.builder.shuffle_vector(*p, lanes) for p in pairs for lanes in (low, high)
            ]
        return vectors

    def loop(self, count: Any, carried: Values, body: Callable[..., Values]) -> Values:
        """Emit a loop.

        Args:
            count: the number of turns.
            carried: values before the first turn.
            body: emits a turn: from its number and the values before it to those after it.

        Returns:
            The values after the last turn.
        """
        builder, word = self.builder, self.word
        before, inside = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", count, word(0)), inside, after)
        builder.position_at_end(inside)
        turn, *values = [builder.phi(value.type) for value in (count, *carried)]
        results = body(turn, *values)
        last, following = builder.block, builder.add(turn, word(1))
        builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
        builder.position_at_end(after)
        ends = [builder.phi(value.type) for value in carried]
        turns = zip([turn, *values], [word(0), *carried], [following, *results], strict=True)
        for phi, first, later in (*turns, *zip(ends, carried, results, strict=True)):
            phi.add_incoming(first, before)
            phi.add_incoming(later, last)
        return ends

    def cases(self, value: Any, bodies: Mapping[int, Callable[[], Values]]) -> list[Any]:
        """Emit a case for each value; return what the case at hand returned."""
        builder = self.builder
        after = builder.append_basic_block("chosen")
        blocks = {case: builder.append_basic_block(f"case_{case}") for case in bodies}
        switch = builder.switch(value, next(iter(blocks.values())))
        ends = []
        for case, body in bodies.items():
            switch.add_case(self._ir.Constant(value.type, case), blocks[case])
            builder.position_at_end(blocks[case])
            ends.append((body(), builder.block))
            builder.branch(after)
        builder.position_at_end(after)
        chosen = []
        for several in zip(*(values for values, _ in ends), strict=True):
            phi = builder.phi(several[0].type)
            for incoming, (_, block) in zip(several, ends, strict=True):
                phi.add_incoming(incoming, block)
            chosen.append(phi)
        return chosen

    def _lane_numbers(self, numbers: Sequence[int]) -> Any:
        wide = self._ir.VectorType(self._lane, len(numbers))
        return self._ir.Constant(wide, list(numbers))

    def _in_all_lanes(self, value: Any, kind: Any) -> Any:
        unset = self._ir.Constant(self._ir.VectorType(kind, self.lanes), self._ir.Undefined)
        one = self.builder.insert_element(unset, value, self._lane(0))
        return self.builder.shuffle_vector(one, unset, self._lane_numbers([0] * self.lanes))

    def _call(self, name: str, result: Any, arguments: Values, suffix: str = "") -> Any:
        """Call one of LLVM's functions for the vectors' type."""
        full = f"llvm.{name}.v{self.lanes}f{8 * self.size}{suffix}"
        return self._call_named(full, result, arguments)

    def _call_named(self, name: str, result: Any, arguments: Values) -> Any:
        module = self.builder.module
        kind = self._ir.FunctionType(result, [argument.type for argument in arguments])
        function = module.globals.get(name) or self._ir.Function(module, kind, name)
        return self.builder.call(function, arguments)


def host_features() -> Mapping[str, bool]:
    """Return this processor's features, as named by LLVM; none without the extra jit."""
    try:
        from llvmlite.binding import get_host_cpu_features
    except ModuleNotFoundError:
        return {}
    return dict(get_host_cpu_features())
