"""Loops over arrays around inner loops, and the native call that runs a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from declnet import NativeCall
from declnet_plugins.jit.routines.memory import call_block, call_loop, store
from declnet_plugins.jit.routines.routine import Routine

OPERANDS, AXES = 5, 4
"""The largest numbers of operands and of nested loops."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest of loops around an inner loop, `void f(char **args, dims, steps, void *data)`.

    Attributes:
        inner: the address of the inner loop and `data`; or an own inner loop (see `inner_loops`).
        addresses: of the first elements of the operands, the output last.
        shape: the lengths of the loops, from the outermost to the inner one.
        strides: of each operand, bytes for each loop.
        core_shape: further dimensions that the inner loop gets (of matrices, for example).
        core_strides: further steps that it gets.
        keeps: objects that must live as long.
    """

    inner: tuple[int, int] | NativeCall
    addresses: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    core_shape: tuple[int, ...] = ()
    core_strides: tuple[int, ...] = ()
    keeps: tuple[Any, ...] = ()


def native_call(loops: Sequence[Loop]) -> NativeCall:
    """Return the call that runs the loops in sequence."""
    rows: list[list[int]] = []
    keeps: list[Any] = []
    for loop in loops:
        steps = [stride[-1] for stride in loop.strides]
        keeps.append(loop.keeps)
        if isinstance(loop.inner, NativeCall):
            block = loop.inner.block.copy()
            block[2 : 2 + 2 * len(steps) : 2] = steps
            inner = (loop.inner.address, 0, block.ctypes.data, 0)
            keeps += [block, loop.inner]
        else:
            dims = np.array([0, *loop.core_shape], np.int64)
            strides = np.array([*steps, *loop.core_strides], np.int64)
            inner = (*loop.inner, dims.ctypes.data, strides.ctypes.data)
            keeps += [dims, strides]
        rows.append(_row(loop, *inner))
    work = np.zeros(OPERANDS, np.int64)
    call = run_loops.bound(np.array(rows, np.int64), work, work.ctypes.data)
    return replace(call, keeps=(*call.keeps, *keeps))


def _row(loop: Loop, function: int, data: int, dims: int, steps: int) -> list[int]:
    """Return what the routine reads of a loop; for an own loop, `dims` is its block."""
    outer = AXES - len(loop.shape)
    row = [function, data, len(loop.strides), *[1] * outer, *loop.shape, dims, steps]
    padded = [(*[0] * outer, *stride) for stride in loop.strides]
    for column in (loop.addresses, *zip(*padded, strict=True)):
        row += [*column, *[0] * (OPERANDS - len(column))]
    return row


LENGTHS, DIMS, STEPS, FIRST = 3, 7, 8, 9
"""Places in the row of a loop, which begins with function, data and the number of operands."""


@partial(Routine, rounding=())
def run_loops(loops, work, args):  # type: ignore[no-untyped-def]
    """Run the loops; `args` is the address of `work`."""
    for n in range(loops.shape[0]):
        function, data, operands = loops[n, 0], loops[n, 1], loops[n, 2]
        count, dims, steps = loops[n, LENGTHS + 3], loops[n, DIMS], loops[n, STEPS]
        for i in range(loops[n, LENGTHS]):
            for j in range(loops[n, LENGTHS + 1]):
                for k in range(loops[n, LENGTHS + 2]):
                    store(dims, count)  # also a block begins with it
                    for p in range(operands):
                        q = FIRST + p
                        address = loops[n, q] + i * loops[n, q + OPERANDS]
                        address += j * loops[n, q + 2 * OPERANDS] + k * loops[n, q + 3 * OPERANDS]
                        if steps:
                            work[p] = address  # which a loop over matrices moves
                        else:
                            store(dims + 8 + 16 * p, address)
                    if steps:
                        call_loop(function, args, dims, steps, data)
                    else:
                        call_block(function, dims)
