# mypy: disable-error-code="no-untyped-def,no-untyped-call,operator"
"""The routine that runs loops: it calls NumPy's inner loops, and has some of its own.

Addresses, steps and sizes are in bytes.
"""

from functools import partial

import numpy as np

from declnet_jit.memory import call_binary, call_loop, load, store
from declnet_jit.routine import Routine

OPERANDS, AXES = 5, 4
"""The largest numbers of operands and of nested loops."""

SOURCES = {np.dtype(each): 4 * i for i, each in enumerate(("u1", "i4", "i8", "f4", "f8"))}
SOURCES[np.dtype(bool)] = 0
TARGETS = {np.dtype(each): i for i, each in enumerate(("f4", "f8", "i8"))}
"""Own loops by type of element, a source plus a target: (a, out): out = a, converted."""
SELECT = {1: 20, 4: 21, 8: 22}
"""Own loops by size of element: (mask, a, b, out): out = a where the mask is set, else b."""
ADD_PRODUCTS = {np.dtype("f4"): 30, np.dtype("f8"): 31}
"""Own loops by type: (a, b, out): out += a * b, in order."""
SUM_PRODUCTS = {np.dtype("f4"): 32, np.dtype("f8"): 33}
"""Own loops by type: (a, b, out): out[0] += the sum of a * b, contiguous, in the order in which
NumPy's einsum adds them up with vectors of 16 bytes."""
POWER = 40
"""Own loop: (base, exponent, out), float64 and one of each, by `pow` of C at the address `data`."""
OWN = 64
"""Own loops have smaller numbers than any address."""

FLAT, LENGTHS, DIMS, STEPS, FIRST = 3, 4, 7, 8, 9


@partial(Routine, rounding=())
def run_loops(groups, loops, work, args):
    """Run the loops of each group in turns; `args` is the address of `work`."""
    for g in range(groups.shape[0]):
        units, turn = groups[g, 2], groups[g, 3]
        start = 0
        while start < units:
            stop = min(units, start + turn)
            for i in range(groups[g, 0], groups[g, 1]):
                function, data, operands = loops[i, 0], loops[i, 1], loops[i, 2]
                count, dims, steps = loops[i, LENGTHS + 2], loops[i, DIMS], loops[i, STEPS]
                last = stop
                if loops[i, FLAT]:
                    count *= stop - start
                    last = start + 1
                for unit in range(start, last):
                    for j in range(loops[i, LENGTHS]):
                        for k in range(loops[i, LENGTHS + 1]):
                            for p in range(operands):
                                q = FIRST + p
                                offset = unit * loops[i, q + OPERANDS]
                                offset += j * loops[i, q + 2 * OPERANDS]
                                work[p] = loops[i, q] + offset + k * loops[i, q + 3 * OPERANDS]
                            if function < OWN:
                                run_own(function, data, work, count, steps)
                            else:  # a loop for matrices moves its pointers
                                store(dims, count)
                                call_loop(function, args, dims, steps, data)
            start = stop


def run_own(kind, data, work, count, steps):
    """Run an own loop."""
    s, t = load(steps, 0), load(steps + 8, 0)
    if kind < 20:
        convert(kind, work[0], work[1], count, s, t)
    elif kind < 30:
        run_select(kind, work, count, steps)
    elif kind < 40:
        run_products(kind, work, count, steps)
    else:
        base, exponent = load(work[0], np.float64(0)), load(work[1], np.float64(0))
        store(work[2], call_binary(data, base, exponent))


def convert(kind, a, b, count, s, t):
    """Convert elements as NumPy casts them."""
    source, target = kind // 4, kind % 4
    if source == 0:
        convert_from(np.uint8(0), 1, target, a, b, count, s, t)
    elif source == 1:
        convert_from(np.int32(0), 4, target, a, b, count, s, t)
    elif source == 2:
        convert_from(np.int64(0), 8, target, a, b, count, s, t)
    elif source == 3:
        convert_from(np.float32(0), 4, target, a, b, count, s, t)
    else:
        convert_from(np.float64(0), 8, target, a, b, count, s, t)


def convert_from(source, size, target, a, b, count, s, t):
    """Convert elements of one type."""
    if target == 0:
        convert_between(source, size, np.float32(0), 4, a, b, count, s, t)
    elif target == 1:
        convert_between(source, size, np.float64(0), 8, a, b, count, s, t)
    else:
        convert_between(source, size, np.int64(0), 8, a, b, count, s, t)


def convert_between(source, size, target, width, a, b, count, s, t):
    """Convert elements of `size` bytes to others of `width`."""
    if s == size and t == width:
        for i in range(count):
            store(b + i * width, type(target)(load(a + i * size, source)))
    else:
        for i in range(count):
            store(b + i * t, type(target)(load(a + i * s, source)))


def run_select(kind, work, count, steps):
    """Select elements by their size."""
    mask, a, b, out = work[0], work[1], work[2], work[3]
    s, t, u, v = load(steps, 0), load(steps + 8, 0), load(steps + 16, 0), load(steps + 24, 0)
    if kind == 20:
        select(mask, a, b, out, np.uint8(0), count, s, t, u, v)
    elif kind == 21:
        select(mask, a, b, out, np.int32(0), count, s, t, u, v)
    else:
        select(mask, a, b, out, np.int64(0), count, s, t, u, v)


def select(mask, a, b, out, like, count, s, t, u, v):
    """Take a where the mask is set, b elsewhere."""
    for i in range(count):
        where = a + i * t if load(mask + i * s, np.uint8(0)) else b + i * u
        store(out + i * v, load(where, like))


def run_products(kind, work, count, steps):
    """Add products of elements by their type."""
    a, b, out = work[0], work[1], work[2]
    s, t, u = load(steps, 0), load(steps + 8, 0), load(steps + 16, 0)
    if kind == 30:
        add_products(a, b, out, np.float32(0), 4, count, s, t, u)
    elif kind == 31:
        add_products(a, b, out, np.float64(0), 8, count, s, t, u)
    elif kind == 32:
        sum_products(a, b, out, np.float32(0), 4, count)
    else:
        sum_products(a, b, out, np.float64(0), 8, count)


def add_products(a, b, out, like, size, count, s, t, u):
    """Add the products of elements to out, or their sum to its only element."""
    if u == 0:
        total = like
        for i in range(count):
            total += load(a + i * s, like) * load(b + i * t, like)
        store(out, total + load(out, like))
    elif s == size and t == size and u == size:
        for i in range(count):
            k = i * size
            store(out + k, load(a + k, like) * load(b + k, like) + load(out + k, like))
    else:
        for i in range(count):
            product = load(a + i * s, like) * load(b + i * t, like)
            store(out + i * u, product + load(out + i * u, like))


def sum_products(a, b, out, like, size, count):
    """Add the sum of products to out, four vectors of 16 bytes at a time, last one first."""
    lanes = 16 // size
    t0, t1, t2, t3 = like, like, like, like
    done = 0
    while count - done >= 4 * lanes:
        for vector in range(3, -1, -1):
            k = (done + vector * lanes) * size
            t0 += load(a + k, like) * load(b + k, like)
            t1 += load(a + k + size, like) * load(b + k + size, like)
            if lanes == 4:
                t2 += load(a + k + 2 * size, like) * load(b + k + 2 * size, like)
                t3 += load(a + k + 3 * size, like) * load(b + k + 3 * size, like)
        done += 4 * lanes
    for i in range(done, count):
        product = load(a + i * size, like) * load(b + i * size, like)
        lane = (i - done) % lanes
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
