"""Layers that draw random numbers: the same numbers as NumPy's generators, without Python.

The routines leave the state of the layer's bit generator as the component does. Their arrays have
one axis, in the order in which they are in memory.
"""

import ctypes
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from declnet import KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import (
    CompiledKernel,
    Intrinsic,
    call_at,
    rounded_as_written,
    share,
    store,
)
from declnet_plugins.kernels.memory_orders import flat_for_elementwise
from declnet_plugins.kernels.pcg64 import (
    ONE,
    ZERO,
    factors_of,
    leave_behind,
    linear,
    memory_of,
    state_after,
    word,
)
from declnet_plugins.standard.layers.dropout import Dropout
from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise

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
def drop(part, parts, x, state, left, rate, mask, y):  # type: ignore[no-untyped-def]
    """Mask = scale where a number drawn from [0, 1) is at least the rate, else 0; y = x * mask.

    The rate is an array of one number; scale = 1 / (1 - rate). `state` and `left` are the
    generator's, as of `memory_of`. A word gives one float64, or two float32, the first from its low
    half. Words are written to the mask, of which numbers are then made block by block.
    """
    start, stop = share(x.size, part, parts)
    if start >= stop:
        return
    size, zero = np.uint64(x.itemsize), x.dtype.type(0)
    limit, scale = x.dtype.type(rate[0]), x.dtype.type(1 / (1 - rate[0]))
    address, is_single = np.uint64(mask.ctypes.data), size == FOUR
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
            factor = scale if unit_of_bits(mask[j]) >= limit else zero
            mask[j] = factor
            y[j] = x[j] * factor


def put(address: Any, bits: Any, is_half: Any) -> None:
    """Write a word, or its lower half, to an address."""
    if is_half:
        store(np.int64(address), np.int32(np.uint32(bits)))
    else:
        store(np.int64(address), np.int64(bits))


@rounded_as_written
def multiply(part, parts, x, mask, y):  # type: ignore[no-untyped-def]
    """Y = x * mask."""
    start, stop = share(x.size, part, parts)
    for i in range(start, stop):
        y[i] = x[i] * mask[i]


@rounded_as_written
def draw_all(function, generator, address, noise):  # type: ignore[no-untyped-def]
    """Fill the noise, which is at an address, by a function of NumPy."""
    fill(function, generator, noise.size, address)


@rounded_as_written
def add_multiple(part, parts, x, noise, factor, y):  # type: ignore[no-untyped-def]
    """Y = x + factor * noise; the factor is an array of one number."""
    times = x.dtype.type(factor[0])
    start, stop = share(x.size, part, parts)
    for i in range(start, stop):
        y[i] = x[i] + noise[i] * times


@rounded_as_written
def copy(part, parts, x, y):  # type: ignore[no-untyped-def]
    """Y = x."""
    start, stop = share(x.size, part, parts)
    for i in range(start, stop):
        y[i] = x[i]


class DropoutKernel(CompiledKernel):
    """y = x * mask, mask = 0 or 1 / (1 - rate); dx = dy * mask; with the bits of `Dropout`."""

    type = "dropout_jit"
    replaces = (Dropout,)
    reads_schedules = True

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Draw the mask and fill y in one call, which is followed by one for the generator."""
        (state,) = site.states
        flat = flat_for_elementwise(site.x, site.y, state.mask, site.dy, site.dx)
        if flat is None:
            return None
        before, (x, y, mask, dy, dx) = flat
        generator, is_single = state.rng.bit_generator, y.dtype == np.float32
        memory = memory_of(generator)
        if memory is None:
            return None
        forward = drop.bound(x, *memory, state.now["rate"], mask, y)
        after = leave_behind.bound(*memory, x.size, is_single)
        backward = () if dx is None else (multiply.bound(dy, mask, dx),)
        drawn = (_keeping(call, generator) for call in (forward, after))
        return KernelCalls((*before, *drawn), backward)


class GaussianNoiseKernel(CompiledKernel):
    """y = x + std * noise; dx = dy; with the bits of `GaussianNoise`."""

    type = "gaussian_noise_jit"
    replaces = (GaussianNoise,)
    reads_schedules = True

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Draw the noise and fill y in two calls; None if NumPy does not export its function."""
        (state,) = site.states
        flat = flat_for_elementwise(site.x, site.y, state.noise, site.dy, site.dx)
        function = _normal_fill(site.y.dtype.name)
        if flat is None or function is None:
            return None
        before, (x, y, noise, dy, dx) = flat
        generator = state.rng.bit_generator
        pointer = generator.ctypes.bit_generator.value
        draw = draw_all.bound(function, pointer, noise.ctypes.data, noise)
        add = add_multiple.bound(x, noise, state.now["std"], y)
        same = dx is None or dx.ctypes.data == dy.ctypes.data
        backward = () if same else (copy.bound(dy, dx),)
        return KernelCalls((*before, _keeping(draw, generator), add), backward)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _keeping(call: NativeCall, generator: Any) -> NativeCall:
    return replace(call, keeps=(*call.keeps, generator))


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
