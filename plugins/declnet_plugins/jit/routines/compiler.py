"""The compilation of routines to object code, by Numba and LLVM; imported only for that."""

from collections.abc import Callable, Iterator
from types import CellType, FunctionType
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.compiler import Flags, compile_extra
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from declnet_plugins.jit.routines.object_code import ENTRY, target_machine
from declnet_plugins.jit.routines.references import referenced
from declnet_plugins.jit.routines.routine import ArgumentType, Intrinsic, Routine

OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,  # neither allocates nor counts references, which would need Numba at run time
}

WORD = ir.IntType(64)

Rounding = tuple[str, ...]

_helpers: dict[tuple[object, Rounding], Any] = {}


@global_compiler_lock  # type: ignore[untyped-decorator]
def compile_routine(
    function: Callable[..., None], signature: tuple[ArgumentType, ...], rounding: Rounding
) -> bytes:
    """Return object code with the function void `ENTRY`(const int64_t *block).

    It reads a routine's arguments from the block, as `Routine.bound` writes them, and calls it.

    Raises:
        numba.core.errors.NumbaError: the routine is not in the subset of Python that Numba
            compiles, or allocates an array.
    """
    context, name = cpu_target.target_context, f"declnet.{function.__name__}"
    arguments = [_numba_type(type_) for type_ in signature]
    library = context.codegen().create_library(name)
    flags = Flags()
    cpu_target.options.parse_as_flags(flags, _options(rounding))
    flags.no_compile = True  # to object code in memory
    compiled = compile_extra(
        cpu_target.typing_context,
        context,
        _with_helpers(function, rounding),
        arguments,
        types.void,
        flags,
        {},
        library=library,
    )
    library.add_ir_module(_entry(context, compiled.fndesc, arguments, name))
    library.finalize()
    code: bytes = target_machine().emit_object(llvm.parse_assembly(library.get_llvm_str()))
    return code


def _options(rounding: Rounding) -> dict[str, Any]:
    return {**OPTIONS, "fastmath": set(rounding)}


def _numba_type(argument: ArgumentType) -> types.Type:
    dtype: types.Type = numba.from_dtype(np.dtype(argument.dtype))
    if argument.ndim is None:
        return dtype
    return types.Array(dtype, argument.ndim, "C" if argument.contiguous else "A")


def _with_helpers(function: Any, rounding: Rounding) -> FunctionType:
    """Return a copy of a function that refers to its helpers as compiled by Numba."""
    named = {name: _helper(value, rounding) for name, value in referenced(function).items()}
    cells = tuple(CellType(named[name]) for name in function.__code__.co_freevars)
    scope = {**function.__globals__, **named}
    copy = FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, cells or None
    )
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _helper(value: Any, rounding: Rounding, inlined: bool = True) -> Any:
    """Return a routine, an intrinsic or a plain function as compiled by Numba; else the value."""
    if isinstance(value, Routine):
        return _helper(value.__wrapped__, value.rounding, value.inlined)
    plain = isinstance(value, FunctionType) and not value.__module__.startswith(("numpy", "numba"))
    if not (plain or isinstance(value, Intrinsic)):
        return value
    key = value, rounding
    if key not in _helpers:
        _helpers[key] = (
            intrinsic(value.__wrapped__)
            if isinstance(value, Intrinsic)
            else numba.njit(forceinline=inlined, **_options(rounding))(
                _with_helpers(value, rounding)
            )
        )
    return _helpers[key]


def _entry(context: Any, routine: Any, arguments: list[types.Type], name: str) -> ir.Module:
    """Return a module with the function that reads a block and calls a routine."""
    module = context.create_module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORD.as_pointer()]), ENTRY)
    builder = ir.IRBuilder(function.append_basic_block())
    words = _words(builder, function.args[0])
    values = [_read(context, builder, argument, words) for argument in arguments]
    callee = context.declare_function(module, routine)
    context.call_conv.call_function(builder, callee, types.void, arguments, values)
    builder.ret_void()
    return module


def _words(builder: ir.IRBuilder, block: ir.Value) -> Iterator[ir.Value]:
    """Yield the words of a block, each loaded when it is taken."""
    place = 0
    while True:
        yield builder.load(builder.gep(block, [WORD(place)]))
        place += 1


def _read(
    context: Any, builder: ir.IRBuilder, argument: types.Type, words: Iterator[ir.Value]
) -> ir.Value:
    """Return the value of an argument."""
    if isinstance(argument, types.Array):
        return _read_array(context, builder, argument, words)
    word = next(words)
    if argument == types.boolean:
        return builder.icmp_unsigned("!=", word, WORD(0))
    if argument == types.int64:
        return word
    number = builder.bitcast(word, ir.DoubleType())
    return builder.fptrunc(number, ir.FloatType()) if argument == types.float32 else number


def _read_array(
    context: Any, builder: ir.IRBuilder, argument: types.Array, words: Iterator[ir.Value]
) -> ir.Value:
    array = cgutils.create_struct_proxy(argument)(context, builder)
    data = builder.inttoptr(next(words), array.data.type)
    shape = [next(words) for _ in range(argument.ndim)]
    size = context.get_abi_sizeof(context.get_data_type(argument.dtype))
    if argument.layout == "C":
        strides: list[ir.Value] = []
        for length in reversed([*shape[1:], WORD(size)] if shape else []):
            strides.insert(0, builder.mul(strides[0], length) if strides else length)
    else:
        strides = [next(words) for _ in range(argument.ndim)]
    populate_array(array, data, shape, strides, size, meminfo=None)
    return array._getvalue()
