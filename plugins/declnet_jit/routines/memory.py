"""What routines need to work on addresses: loads, stores, and calls of functions there."""

from typing import Any

from declnet_jit.routines.routine import Intrinsic


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
def call_block(typing: Any, function: Any, block: Any) -> Any:  # noqa: ARG001
    """Call the function of a native call at an address, with the address of its block."""
    from llvmlite import ir
    from numba.core import types

    def generate(context: Any, builder: Any, _: Any, given: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate
