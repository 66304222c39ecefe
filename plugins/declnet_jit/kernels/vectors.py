"""LLVM instructions on vectors of float32 or float64, for the functions that routines call."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any


@cache
def vector_bytes() -> int:
    """Return the bytes of a vector of this processor."""
    from llvmlite.binding import get_host_cpu_features

    features = get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


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
        integers = ir.VectorType(ir.IntType(8 * size), lanes)
        small_integers = ir.VectorType(ir.IntType(8), lanes)
        bytes_each = size
        lanes_each = lanes

        def variable(self, count: int, kind: Any = vector) -> list[Any]:
            """Return memory for vectors, which the compiler will keep in registers."""
            with builder.goto_entry_block():
                return [builder.alloca(kind) for _ in range(count)]

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

        def repeat_integer(self, value: Any) -> Any:
            """Return a vector with an integer in all lanes."""
            kind = self.integers
            return repeated(builder.trunc(value, kind.element) if size == 4 else value, kind)

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
