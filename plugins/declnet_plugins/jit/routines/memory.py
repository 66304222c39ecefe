"""Intrinsics for routines that work on addresses: loads, stores, and calls of functions there.

Routines take no large memory from the stack, which may be as small as 128 KB in a thread:
`thread_scratch` is for that.
"""

from collections.abc import Callable
from typing import Any

from declnet_plugins.jit.routines.routine import Intrinsic


def call_at(result: str, *arguments: str) -> tuple[Any, Callable[..., Any]]:
    """Return the signature and the code of an intrinsic that calls a function at an address.

    Args:
        result: the name of Numba's type of what the function returns.
        arguments: those of its parameters, which follow the address.
    """
    from llvmlite import ir
    from numba.core import types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        is_void = signature.return_type == types.void
        returned = ir.VoidType() if is_void else context.get_value_type(signature.return_type)
        kind = ir.FunctionType(returned, [value.type for value in values[1:]])
        value = builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])
        return context.get_dummy_value() if is_void else value

    result_type, *types_ = (getattr(types, name) for name in (result, *arguments))
    return result_type(types.int64, *types_), generate


def _pointer(context: Any, builder: Any, address: Any, type_: Any) -> Any:
    """Return the pointer to a number of Numba's type at an address."""
    return builder.inttoptr(address, context.get_value_type(type_).as_pointer())


@Intrinsic
def load(typing: Any, address: Any, like: Any) -> Any:  # noqa: ARG001
    """Return the number at an address, of the type of another number."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, values[0], like))

    return like(types.int64, like), generate


@Intrinsic
def store(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Write a number to an address."""
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        builder.store(values[1], _pointer(context, builder, values[0], number))
        return context.get_dummy_value()

    return types.void(types.int64, number), generate


@Intrinsic
def call_loop(typing: Any, function: Any, args: Any, dims: Any, steps: Any, data: Any) -> Any:  # noqa: ARG001
    """Call the inner loop of a ufunc at an address; all arguments are addresses."""
    return call_at("void", *["int64"] * 4)


@Intrinsic
def call_system(typing: Any, function: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    """Return the result of the function int64(int64, int64) at an address."""
    return call_at("int64", "int64", "int64")


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
    return call_at("void", "int64")


@Intrinsic
def system_call(typing, function, number, a, b, c, d):  # type: ignore[no-untyped-def] # noqa: ARG001
    """Make a call of the system by the C library's `syscall` at an address."""
    return call_at("void", *["int64"] * 5)


def _atomic(result: str, operate: Callable[[Any, Any, Any], Any], numbers: int) -> Any:
    """Return the signature and the code of an intrinsic on the int64 at an address.

    Args:
        operate: writes the instructions, given a builder, the pointer and the numbers.
        numbers: how many arguments follow the address.
    """
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        pointer = _pointer(context, builder, values[0], types.int64)
        value = operate(builder, pointer, values[1:])
        return context.get_dummy_value() if result == "void" else value

    return getattr(types, result)(*[types.int64] * (1 + numbers)), generate


@Intrinsic
def load_atomic(typing: Any, address: Any) -> Any:  # noqa: ARG001
    """Return the int64 at an address, as the last thread left it."""
    from llvmlite import ir

    def operate(builder: Any, pointer: Any, _: Any) -> Any:
        return builder.load_atomic(pointer, "seq_cst", 8, typ=ir.IntType(64))

    return _atomic("int64", operate, 0)


@Intrinsic
def store_atomic(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Write an int64 to an address, for other threads."""

    def operate(builder: Any, pointer: Any, numbers: Any) -> Any:
        builder.store_atomic(numbers[0], pointer, "seq_cst", 8)

    return _atomic("void", operate, 1)


@Intrinsic
def add_atomic(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Add to the int64 at an address, and return its value before."""

    def operate(builder: Any, pointer: Any, numbers: Any) -> Any:
        return builder.atomic_rmw("add", pointer, numbers[0], "seq_cst")

    return _atomic("int64", operate, 1)


@Intrinsic
def exchange_atomic(typing: Any, address: Any, expected: Any, number: Any) -> Any:  # noqa: ARG001
    """Write an int64 to an address if an expected one is there; return the one that was there."""

    def operate(builder: Any, pointer: Any, numbers: Any) -> Any:
        result = builder.cmpxchg(pointer, *numbers, "seq_cst", "seq_cst")
        return builder.extract_value(result, 0)

    return _atomic("int64", operate, 2)


@Intrinsic
def pause(typing: Any) -> Any:  # noqa: ARG001
    """Tell an x86 processor that a loop waits for another thread."""
    from llvmlite import binding, ir
    from numba.core import types

    name = "llvm.x86.sse2.pause"

    def generate(context: Any, builder: Any, _: Any, __: Any) -> Any:
        if binding.get_process_triple().startswith(("x86_64", "i686", "amd64")):
            kind = ir.FunctionType(ir.VoidType(), [])
            declared = builder.module.globals.get(name)
            builder.call(declared or ir.Function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), generate
