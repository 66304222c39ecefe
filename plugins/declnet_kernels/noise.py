"""Layers that draw random numbers: the same numbers as NumPy's generators, without Python.

The routines call the functions of the layer's bit generator by their addresses, and so leave its
state as the component does. Their arrays have one axis, in the order in which they are in memory.
"""

import ctypes
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from declnet import KernelCalls, KernelSite, NativeCall
from declnet_jit import CompiledKernel, Intrinsic, rounded_as_written, share
from declnet_kernels.memory_orders import flat_for_elementwise
from declnet_standard.layers import Dropout, GaussianNoise

BLOCK = np.uint64(512)
ZERO = np.uint64(0)

UNIT = np.float32(2.0**-24)
"""NumPy's float32 in [0, 1) has the first 24 of 32 random bits."""


@Intrinsic
def next_uint32(_context: Any, _function: Any, _state: Any) -> Any:
    """Call the function uint32_t(void *) at an address."""
    from numba import types

    return types.uint32(types.int64, types.int64), _calling("i32")


@Intrinsic
def next_double(_context: Any, _function: Any, _state: Any) -> Any:
    """Call the function double(void *) at an address."""
    from numba import types

    return types.float64(types.int64, types.int64), _calling("double")


@Intrinsic
def fill(_context: Any, _function: Any, _generator: Any, _count: Any, _out: Any) -> Any:
    """Call the function void(bitgen_t *, npy_intp, float or double *) at an address."""
    from numba import types

    words = [types.int64] * 4
    return types.void(*words), _calling("void")


def _calling(result: str) -> Any:
    """Return the generator of a call of the function at an address with words as arguments."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        word, *words = arguments
        types = {"i32": ir.IntType(32), "double": ir.DoubleType(), "void": ir.VoidType()}
        kind = ir.FunctionType(types[result], [each.type for each in words])
        value = builder.call(builder.inttoptr(word, kind.as_pointer()), words)
        return context.get_dummy_value() if result == "void" else value

    return generate


@rounded_as_written
def drop_single(x, draw, state, rate, mask, y):  # type: ignore[no-untyped-def]
    """Mask = scale where a number drawn from [0, 1) is at least the rate, else 0; y = x * mask.

    The rate is an array of one number; scale = 1 / (1 - rate).
    """
    n, zero = np.uint64(x.size), np.float32(0)
    limit, scale = np.float32(rate[0]), np.float32(1 / (1 - rate[0]))
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(start, stop):
            mask[i] = np.float32(next_uint32(draw, state) >> np.uint32(8)) * UNIT
        for i in range(start, stop):
            factor = scale if mask[i] >= limit else zero
            mask[i] = factor
            y[i] = x[i] * factor


@rounded_as_written
def drop_double(x, draw, state, rate, mask, y):  # type: ignore[no-untyped-def]
    """Drop numbers as `drop_single`."""
    n, limit, scale = np.uint64(x.size), rate[0], 1 / (1 - rate[0])
    for start in range(ZERO, n, BLOCK):
        stop = min(n, start + BLOCK)
        for i in range(start, stop):
            mask[i] = next_double(draw, state)
        for i in range(start, stop):
            factor = scale if mask[i] >= limit else 0.0
            mask[i] = factor
            y[i] = x[i] * factor


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
        """Draw the mask and fill y in one call."""
        (state,) = site.states
        found = flat_for_elementwise(site.x, site.y, state.mask, site.dy, site.dx)
        if found is None:
            return None
        before, (x, y, mask, dy, dx) = found
        generator, is_single = state.rng.bit_generator, y.dtype == np.float32
        drop, draw = (drop_single, "next_uint32") if is_single else (drop_double, "next_double")
        function, address = getattr(generator.ctypes, draw), generator.ctypes.state_address
        forward = drop.bound(x, _address(function), address, state.now["rate"], mask, y)
        backward = () if dx is None else (multiply.bound(dy, mask, dx),)
        return KernelCalls((*before, _keeping(forward, generator)), backward)


class GaussianNoiseKernel(CompiledKernel):
    """y = x + std * noise; dx = dy; with the bits of `GaussianNoise`."""

    type = "gaussian_noise_jit"
    replaces = (GaussianNoise,)
    reads_schedules = True

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Draw the noise and fill y in two calls; None if NumPy does not export its function."""
        (state,) = site.states
        found = flat_for_elementwise(site.x, site.y, state.noise, site.dy, site.dx)
        function = _normal_fill(site.y.dtype.name)
        if found is None or function is None:
            return None
        before, (x, y, noise, dy, dx) = found
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
