"""Intrinsics for routines that work on addresses: loads, stores, and calls of functions there.

Routines take no large memory from the stack, which may be as small as 128 KB in a thread:
`thread_scratch` is for that.
"""

from typing import Any

from declnet_plugins.jit.routines.routine import Intrinsic


@Intrinsic
def load(typing: Any, address: Any, like: Any) -> Any:  # noqa: ARG001
    """Return the number at an address, of the type of another number."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = context.get_value_type(like)
        return builder.load(builder.inttoptr(given[0], kind.as_pointer()))

    return like(types.int64, like), generate


@Intrinsic
def store(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Write a number to an address."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = context.get_value_type(number)
        builder.store(given[1], builder.inttoptr(given[0], kind.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, number), generate


@Intrinsic
def get(typing: Any, address: Any, index: Any, like: Any) -> Any:  # noqa: ARG001
    """Return an element of the contiguous numbers at an address, of the type of another number.

    Unlike `load`, it lets LLVM see that neighbors follow each other, and so vectorize a loop.
    """
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = context.get_value_type(like)
        return builder.load(builder.gep(builder.inttoptr(given[0], kind.as_pointer()), [given[1]]))

    return like(types.int64, types.int64, like), generate


@Intrinsic
def put(typing: Any, address: Any, index: Any, number: Any) -> Any:  # noqa: ARG001
    """Write an element of the contiguous numbers at an address."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = context.get_value_type(number)
        pointer = builder.inttoptr(given[0], kind.as_pointer())
        builder.store(given[2], builder.gep(pointer, [given[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, number), generate


@Intrinsic
def call_loop(typing: Any, function: Any, args: Any, dims: Any, steps: Any, data: Any) -> Any:  # noqa: ARG001
    """Call the inner loop of a ufunc at an address; all arguments are addresses."""
    from llvmlite import ir
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@Intrinsic
def call_binary(typing: Any, function: Any, x: Any, y: Any) -> Any:  # noqa: ARG001
    """Return the result of the function double(double, double) at an address."""
    from llvmlite import ir
    from numba.core import types

    def generate(_: Any, builder: Any, __: Any, given: Any) -> Any:
        number = ir.DoubleType()
        kind = ir.FunctionType(number, [number] * 2)
        return builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])

    return types.float64(types.int64, types.float64, types.float64), generate


@Intrinsic
def call_system(typing: Any, function: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    """Return the result of the function int64(int64, int64) at an address."""
    from llvmlite import ir
    from numba.core import types

    def generate(_: Any, builder: Any, __: Any, given: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word] * 2)
        return builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])

    return types.int64(*[types.int64] * 3), generate


SCRATCH = 1 << 18
"""Bytes of `thread_scratch`."""


def thread_scratch(functions: Any) -> Any:
    """Return the address of `SCRATCH` bytes for a routine while it runs, aligned to 64 bytes.

    For routines. Each thread has its own memory, which the next routine overwrites.

    Args:
        functions: from `threads.thread_memory`.
    """
    address = call_system(functions[1], functions[0], 0)
    if address == 0:
        address = call_system(functions[3], SCRATCH + 64, 0)
        call_system(functions[2], functions[0], address)
    return (address + 63) & -64


@Intrinsic
def call_block(typing: Any, function: Any, block: Any) -> Any:  # noqa: ARG001
    """Call the function of a native call at an address, with the address of its block."""
    from llvmlite import ir
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@Intrinsic
def load_atomic(typing: Any, address: Any) -> Any:  # noqa: ARG001
    """Return the int64 at an address, as the last thread left it."""
    from llvmlite import ir
    from numba.core import types

    def generate(_: Any, builder: Any, __: Any, given: Any) -> Any:
        return builder.load_atomic(_word(builder, given[0]), "seq_cst", 8, typ=ir.IntType(64))

    return types.int64(types.int64), generate


@Intrinsic
def store_atomic(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Write an int64 to an address, for other threads."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        builder.store_atomic(given[1], _word(builder, given[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@Intrinsic
def add_atomic(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Add to the int64 at an address, and return its value before."""
    from numba.core import types

    def generate(_: Any, builder: Any, __: Any, given: Any) -> Any:
        return builder.atomic_rmw("add", _word(builder, given[0]), given[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@Intrinsic
def exchange_atomic(typing: Any, address: Any, expected: Any, number: Any) -> Any:  # noqa: ARG001
    """Write an int64 to an address if an expected one is there; return the one that was there."""
    from numba.core import types

    def generate(_: Any, builder: Any, __: Any, given: Any) -> Any:
        place = _word(builder, given[0])
        found = builder.cmpxchg(place, given[1], given[2], "seq_cst", "seq_cst")
        return builder.extract_value(found, 0)

    return types.int64(types.int64, types.int64, types.int64), generate


def _word(builder: Any, address: Any) -> Any:
    from llvmlite import ir

    return builder.inttoptr(address, ir.IntType(64).as_pointer())


@Intrinsic
def pause(typing: Any) -> Any:  # noqa: ARG001
    """Tell an x86 processor that a loop waits for another thread."""
    from llvmlite import binding, ir
    from numba.core import types

    name = "llvm.x86.sse2.pause"

    def generate(context: Any, builder: Any, _: Any, __: Any) -> Any:
        if binding.get_process_triple().startswith(("x86_64", "i686", "amd64")):
            kind = ir.FunctionType(ir.VoidType(), [])
            found = builder.module.globals.get(name)
            builder.call(found or ir.Function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), generate


@Intrinsic
def system_call(typing, function, number, a, b, c, d):  # type: ignore[no-untyped-def] # noqa: ARG001
    """Make a call of the system by the C library's `syscall` at an address."""
    from llvmlite import ir
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word] * 5)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), generate
