# mypy: disable-error-code="no-untyped-def,no-untyped-call,operator"
"""Inner loops that NumPy has but does not give the address of: casts, choices, sums of products.

Each takes the number of elements, then the address of the first element and the step in bytes of
each operand, the output last; then what decides for which types it is compiled.
"""

import ctypes
from functools import cache, partial
from typing import Any

import numpy as np

from declnet import Dtype, NativeCall
from declnet_plugins.jit.routines.memory import call_binary, get, load, put, store
from declnet_plugins.jit.routines.routine import Routine


def conversion(source: Dtype, target: Dtype) -> NativeCall | None:
    """Return the loop out = a, converted as NumPy does; None if there is none."""
    kinds = source.kind + target.kind
    known = source in SOURCES and target in TARGETS
    if not known or kinds == "fi":
        return None
    return _bound(convert, 2, _like(source), source.itemsize, _like(target), target.itemsize)


def selection(size: int) -> NativeCall | None:
    """Return the loop (mask, a, b, out): out = a where the mask is set, else b; None if none.

    Args:
        size: bytes of an element.
    """
    return _bound(select, 4, _like(np.dtype(f"i{size}"))) if size in (1, 4, 8) else None


def products(dtype: Dtype, in_vectors: bool) -> NativeCall:
    """Return the loop (a, b, out): out += a * b, or the sum of a * b if out's step is 0.

    Args:
        in_vectors: whether the output's step is 0 and the others are contiguous: NumPy's einsum
            then adds up products in vectors of 16 bytes.
    """
    function = sum_products if in_vectors else add_products
    return _bound(function, 3, _like(dtype), dtype.itemsize)


def taking(size: int, length: int, stride: int) -> NativeCall | None:
    """Return the loop (index, source, out): out = the element so many strides after source's.

    Args:
        size: bytes of an element.
        length: the number of elements to choose from; an index outside counts as the nearest one.
        stride: bytes from one of them to the next.
    """
    if size not in (1, 4, 8):
        return None
    return _bound(take, 3, length, stride, _like(np.dtype(f"i{size}")), size)


def arg_of_extreme(dtype: Dtype, length: int, stride: int, greatest: bool) -> NativeCall | None:
    """Return the loop (first, out): out = the position of the first greatest or least element.

    NaN counts as the greatest and the least one, as in NumPy.

    Args:
        dtype: the type of the elements; out is int64.
        length: the number of elements to compare, of which `first` is the first.
        stride: bytes from one of them to the next.
        greatest: whether to find the greatest one.
    """
    if dtype not in SOURCES:
        return None
    bests, places = np.zeros(AT_ONCE, _like(dtype).dtype), np.zeros(AT_ONCE, np.int64)
    return _bound(find_extreme, 2, length, stride, int(greatest), bests, places, dtype.itemsize)


def power() -> NativeCall | None:
    """Return the loop (base, exponent, out) of float64, as Python computes it; None if none."""
    address = _address_of_pow()
    return None if address is None else _bound(raise_to, 3, address)


SOURCES = tuple(map(np.dtype, ("?", "u1", "i4", "i8", "f4", "f8")))
TARGETS = tuple(map(np.dtype, ("f4", "f8", "i8")))

AT_ONCE = 64
"""Results of `arg_of_extreme` that are computed together, along contiguous memory."""


@cache
def _like(dtype: Dtype) -> Any:
    """Return an array whose element has a type; it is not used for anything else."""
    return np.zeros(1, "u1" if dtype.itemsize == 1 else dtype)


def _bound(routine: Routine, operands: int, *types: Any) -> NativeCall:
    return routine.bound(0, *[0] * (2 * operands), *types)


@cache
def _address_of_pow() -> int | None:
    """Return the address of the C library's pow, which Python calls for powers of floats."""
    try:
        function = ctypes.CDLL(None).pow
    except (OSError, AttributeError, TypeError):
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


@partial(Routine, rounding=())
def convert(count, a, s, b, t, source, size, target, width):
    """Convert elements of `size` bytes to others of `width`."""
    like, kind = source[0], target.dtype.type
    if s == size and t == width:
        for i in range(count):
            put(b, i, kind(get(a, i, like)))
    else:
        for i in range(count):
            store(b + i * t, kind(load(a + i * s, like)))


@partial(Routine, rounding=())
def select(count, mask, s, a, t, b, u, out, v, words):
    """Take a where the mask is set, b elsewhere."""
    like, truth = words[0], np.uint8(0)
    for i in range(count):
        where = a + i * t if load(mask + i * s, truth) else b + i * u
        store(out + i * v, load(where, like))


@partial(Routine, rounding=())
def take(count, index, s, source, t, out, v, length, stride, words, size):
    """Take elements by their int64 index."""
    like, number = words[0], np.int64(0)
    if s == 0 and t == size and v == size:
        chosen = source + stride * min(max(load(index, number), 0), length - 1)
        for i in range(count):
            put(out, i, get(chosen, i, like))
    else:
        for i in range(count):
            place = stride * min(max(load(index + i * s, number), 0), length - 1)
            store(out + i * v, load(source + i * t + place, like))


@partial(Routine, rounding=())
def find_extreme(count, first, s, out, t, length, stride, greatest, bests, places, size):
    """Find the first elements that no other one exceeds, or the first NaN, some at a time."""
    like = bests[0]
    for start in range(0, count, bests.size):
        part = min(bests.size, count - start)
        for i in range(part):
            bests[i], places[i] = load(first + (start + i) * s, like), 0
        for k in range(1, length):
            row = first + start * s + k * stride
            for i in range(part):
                value, best = get(row, i, like) if s == size else load(row + i * s, like), bests[i]
                low, high = (value, best) if greatest else (best, value)
                exceeds = not low <= high and best == best  # noqa: PLR0124  # false for NaN
                bests[i], places[i] = value if exceeds else best, k if exceeds else places[i]
        for i in range(part):
            store(out + (start + i) * t, places[i])


@partial(Routine, rounding=())
def add_products(count, a, s, b, t, out, u, numbers, size):
    """Add the products of elements to out, or their sum to its only element."""
    like = numbers[0]
    if u == 0:
        total = numbers.dtype.type(0)
        for i in range(count):
            total += load(a + i * s, like) * load(b + i * t, like)
        store(out, total + load(out, like))
    elif s == size and t == size and u == size:
        for i in range(count):
            put(out, i, get(a, i, like) * get(b, i, like) + get(out, i, like))
    else:
        for i in range(count):
            product = load(a + i * s, like) * load(b + i * t, like)
            store(out + i * u, product + load(out + i * u, like))


@partial(Routine, rounding=())
def sum_products(count, a, s, b, t, out, u, numbers, size):  # noqa: ARG001
    """Add the sum of products to out, four vectors of 16 bytes at a time, last one first."""
    like, zero = numbers[0], numbers.dtype.type(0)
    lanes, done = 16 // size, 0
    t0, t1, t2, t3 = zero, zero, zero, zero
    while count - done >= 4 * lanes:
        for vector in range(3, -1, -1):
            k = done + vector * lanes
            t0 += get(a, k, like) * get(b, k, like)
            t1 += get(a, k + 1, like) * get(b, k + 1, like)
            if lanes == 4:
                t2 += get(a, k + 2, like) * get(b, k + 2, like)
                t3 += get(a, k + 3, like) * get(b, k + 3, like)
        done += 4 * lanes
    for i in range(done, count):
        product, lane = get(a, i, like) * get(b, i, like), (i - done) % lanes
        if lane == 0:
            t0 += product
        elif lane == 1:
            t1 += product
        elif lane == 2:
            t2 += product
        else:
            t3 += product
    total = (t0 + t1) + (t2 + t3) if lanes == 4 else t0 + t1
    store(out, total + load(out, like))


@partial(Routine, rounding=())
def raise_to(count, a, s, b, t, out, u, function):  # noqa: ARG001
    """Raise a number to a power, by the function at an address."""
    number = np.float64(0)
    store(out, call_binary(function, load(a, number), load(b, number)))
