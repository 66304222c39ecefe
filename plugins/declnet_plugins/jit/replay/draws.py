"""Random draws without Python: the same numbers as NumPy's generators, which they leave behind."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from declnet import Array, NativeCall
from declnet_plugins.jit.routines.memory import call_at, store
from declnet_plugins.jit.routines.pcg64 import (
    ONE,
    ZERO,
    factors_of,
    leave_behind,
    linear,
    memory_of,
    state_after,
    word,
)
from declnet_plugins.jit.routines.routine import Intrinsic, rounded_as_written, share
from declnet_plugins.recording.recording import RecordedCall


def native_draw(call: RecordedCall, stream: np.random.Generator) -> list[NativeCall] | None:
    """Return the calls that draw as a recorded call, from a stream; None if there are none.

    Args:
        call: a draw into its output or `out`, which are contiguous.
    """
    options = call.kwargs
    known = all(name in ("out", "dtype", "size") for name in options)
    target: Any = options.get("out", *call.outputs)
    if not known or not isinstance(target, np.ndarray) or target.dtype.name not in FLOATS:
        return None
    out = target if target.flags.c_contiguous else target.T
    if not out.flags.c_contiguous:
        return None
    if call.function == "random":
        return _uniform(out.reshape(-1), stream.bit_generator)
    return _normal(out.reshape(-1), stream) if call.function == "standard_normal" else None


FLOATS = ("float32", "float64")


def _uniform(out: Array, generator: Any) -> list[NativeCall] | None:
    memory = memory_of(generator)
    if memory is None:
        return None
    after = leave_behind.bound(*memory, out.size, out.dtype == np.float32)
    calls = fill_uniform.bound(*memory, out), after
    return [replace(call, keeps=(*call.keeps, generator)) for call in calls]


def _normal(out: Array, stream: np.random.Generator) -> list[NativeCall] | None:
    function = _normal_fill(out.dtype.name)
    if function is None:
        return None
    generator = stream.bit_generator
    pointer = generator.ctypes.bit_generator.value
    draw = draw_all.bound(function, pointer, out.ctypes.data, out)
    return [replace(draw, keeps=(*draw.keeps, generator))]


BLOCK = np.uint64(512)
TWO, FOUR, EIGHT, HALF = map(np.uint64, (2, 4, 8, 32))


@Intrinsic
def fill(_context: Any, _function: Any, _generator: Any, _count: Any, _out: Any) -> Any:
    """Call the function void(bitgen_t *, npy_intp, float or double *) at an address."""
    return call_at("void", "int64", "int64", "int64")


@Intrinsic
def unit_of_bits(_context: Any, x: Any) -> Any:
    """Return the number in [0, 1) that NumPy derives from random bits, given as the bits of x.

    That is the first 24 of 32 bits, or the first 53 of 64, as a fraction.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        (x,) = arguments
        bits, used = (32, 24) if isinstance(x.type, ir.FloatType) else (64, 53)
        word = ir.IntType(bits)
        whole = builder.lshr(builder.bitcast(x, word), word(bits - used))
        return builder.fmul(builder.sitofp(whole, x.type), ir.Constant(x.type, 2.0**-used))

    return x(x), generate


@rounded_as_written
def fill_uniform(part, parts, state, left, out):  # type: ignore[no-untyped-def]
    """Draw numbers from [0, 1).

    `state` and `left` are the generator's, as of `memory_of`. A word gives one float64, or two
    float32, the first from its low half. Words are written to the array, of which numbers are then
    made block by block.
    """
    start, stop = share(out.size, part, parts)
    if start >= stop:
        return
    size = np.uint64(out.itemsize)
    address, is_single = np.uint64(out.ctypes.data), size == FOUR
    per_word, saved = EIGHT // size, np.uint64(left[0]) if is_single else ZERO
    i = start
    if i < saved:
        store(np.int64(address), left[1])
        i += ONE
    position = i - saved
    low, high = state_after(position // per_word + ONE, state)
    a_low, a_high, b_low, b_high = factors_of(ONE, np.uint64(state[2]), np.uint64(state[3]))
    if position % per_word == ONE and i < stop:
        put(address + i * size, word(low, high) >> HALF, is_single)
        i += ONE
        low, high = linear(low, high, a_low, a_high, b_low, b_high)
    next_low, next_high = linear(low, high, a_low, a_high, b_low, b_high)
    a_low, a_high, b_low, b_high = factors_of(TWO, np.uint64(state[2]), np.uint64(state[3]))
    for first in range(start, stop, BLOCK):
        end = min(stop, first + BLOCK)
        while i < end and i + TWO * per_word <= stop:
            store(np.int64(address + i * size), np.int64(word(low, high)))
            store(np.int64(address + i * size + EIGHT), np.int64(word(next_low, next_high)))
            low, high = linear(low, high, a_low, a_high, b_low, b_high)
            next_low, next_high = linear(next_low, next_high, a_low, a_high, b_low, b_high)
            i += TWO * per_word
        if i < end:
            rest = stop - i
            put(address + i * size, word(low, high), is_single)
            if rest > ONE:
                put(address + (i + ONE) * size, word(low, high) >> HALF, is_single)
            if rest > TWO:
                put(address + (i + TWO) * size, word(next_low, next_high), is_single)
            i = stop
        for j in range(first, end):
            out[j] = unit_of_bits(out[j])


def put(address: Any, bits: Any, is_half: Any) -> None:
    """Write a word, or its lower half, to an address."""
    if is_half:
        store(np.int64(address), np.int32(np.uint32(bits)))
    else:
        store(np.int64(address), np.int64(bits))


@rounded_as_written
def draw_all(function, generator, address, noise):  # type: ignore[no-untyped-def]
    """Fill the noise, which is at an address, by a function of NumPy."""
    fill(function, generator, noise.size, address)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@cache
def _normal_fill(dtype: str) -> int | None:
    """Return the address of NumPy's function that fills an array with normal numbers, if exported.

    `random_standard_normal_fill` and its variant for float32 are in NumPy's C API of random
    distributions (`numpy/random/distributions.h`).
    """
    from numpy.random import _generator

    name = f"random_standard_normal_fill{'_f' if dtype == 'float32' else ''}"
    try:
        return _address(getattr(ctypes.CDLL(_generator.__file__), name))
    except (OSError, AttributeError):
        return None
