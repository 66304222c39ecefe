"""NumPy's generator PCG64 in routines: the same numbers, computed from any position on.

Its state is a number of 128 bits, of which each step makes multiplier * state + increment; each
state gives a word of 64 random bits (O'Neill, PCG, 2014: XSL RR 128/64). Many steps are one such
step with other factors, so parts of an array can be filled at the same time.

Numbers of 128 bits are pairs of words here, the low one first.
"""

import ctypes
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.jit.routines.routine import Intrinsic, rounded_as_written

MULTIPLIER = np.uint64(0x4385DF649FCCF645), np.uint64(0x2360ED051FC65DA4)

ONE, ZERO = np.uint64(1), np.uint64(0)


@Intrinsic
def linear(
    _typing: Any, _x: Any, _x_high: Any, _a: Any, _a_high: Any, _b: Any, _b_high: Any
) -> Any:
    """Return a * x + b, given the words of x, a and b."""
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, words: Any) -> Any:
        from llvmlite import ir

        def joined(low: Any, high: Any) -> Any:
            upper = builder.shl(
                builder.zext(high, ir.IntType(128)), ir.Constant(ir.IntType(128), 64)
            )
            return builder.or_(upper, builder.zext(low, ir.IntType(128)))

        x, a, b = (joined(*words[i : i + 2]) for i in (0, 2, 4))
        value = builder.add(builder.mul(a, x), b)
        upper = builder.lshr(value, ir.Constant(ir.IntType(128), 64))
        halves = [builder.trunc(word, ir.IntType(64)) for word in (value, upper)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(types.uint64, 2)(*[types.uint64] * 6), generate


def factors_of(steps: Any, low: Any, high: Any) -> Any:
    """Return the words of a and b with which a * state + b makes steps, given the increment."""
    a, b = MULTIPLIER, (low, high)
    all_a, all_b = (ONE, ZERO), (ZERO, ZERO)
    while steps > ZERO:
        if steps & ONE:
            all_a = linear(all_a[0], all_a[1], a[0], a[1], ZERO, ZERO)
            all_b = linear(all_b[0], all_b[1], a[0], a[1], b[0], b[1])
        b = linear(b[0], b[1], a[0], a[1], b[0], b[1])
        a = linear(a[0], a[1], a[0], a[1], ZERO, ZERO)
        steps >>= ONE
    return all_a[0], all_a[1], all_b[0], all_b[1]


def state_after(steps: Any, state: Any) -> Any:
    """Return the words of the state after `steps`; `state` also has the increment's words."""
    a_low, a_high, b_low, b_high = factors_of(steps, np.uint64(state[2]), np.uint64(state[3]))
    return linear(np.uint64(state[0]), np.uint64(state[1]), a_low, a_high, b_low, b_high)


def word(low: Any, high: Any) -> Any:
    """Return the 64 random bits of a state."""
    mixed, turn = low ^ high, high >> np.uint64(58)
    return (mixed >> turn) | (mixed << ((np.uint64(64) - turn) & np.uint64(63)))


@rounded_as_written
def leave_behind(state, left, count, are_halves):  # type: ignore[no-untyped-def]
    """Let the generator be where it is after drawing so many numbers, of half a word or a word."""
    words, rest = np.uint64(count), ZERO
    if are_halves:
        rest = words - np.uint64(left[0])
        words = (rest + ONE) >> ONE
        left[0] = np.int32(rest & ONE)
    if words > ZERO:
        low, high = state_after(words, state)
        state[0], state[1] = np.int64(low), np.int64(high)
        if are_halves:
            left[1] = np.int32(np.uint32(word(low, high) >> np.uint64(32)))


def memory_of(generator: Any) -> tuple[Array, Array] | None:
    """Return what a generator's state consists of, in its own memory; None if it is another kind.

    Returns:
        The words of the state and of the increment, int64 (4,); and whether half a word is left
        from the last draw, and that half, int32 (2,).
    """
    if type(generator) is not np.random.PCG64:
        return None
    address = generator.ctypes.state_address
    pointer = ctypes.c_uint64.from_address(address).value
    numbers: Any = (ctypes.c_int64 * 4).from_address(pointer)
    half: Any = (ctypes.c_int32 * 2).from_address(address + ctypes.sizeof(ctypes.c_void_p))
    state, left = np.frombuffer(numbers, np.int64), np.frombuffer(half, np.int32)
    low, high, own_low, own_high = map(int, state.view(np.uint64))
    held = generator.state
    expected = held["state"]["state"], held["state"]["inc"], held["has_uint32"], held["uinteger"]
    read = high << 64 | low, own_high << 64 | own_low, *map(int, left.view(np.uint32))
    return (state, left) if read == expected else None
