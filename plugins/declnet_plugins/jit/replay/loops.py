# mypy: disable-error-code="operator"
"""Loops over arrays around inner loops, and the native call that runs a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np

from declnet import NativeCall
from declnet_plugins.jit.routines.memory import call_block, call_loop, store
from declnet_plugins.jit.routines.routine import Routine

OPERANDS, AXES = 5, 4
"""The largest numbers of operands and of nested loops."""

CHUNK = 4096
"""Elements of each array that a group of elementwise loops processes at a time."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest of loops around an inner loop, `void f(char **args, dims, steps, void *data)`.

    Attributes:
        inner: the address of the inner loop and `data`; or an own inner loop (see `inner_loops`).
        addresses: of the first elements of the operands, outputs last.
        sizes: bytes of an element of each operand.
        outputs: the number of outputs.
        shape: the lengths of the loops, from the outermost to the inner one.
        strides: of each operand, bytes for each loop.
        core_shape: further dimensions that the inner loop gets (of matrices, for example).
        core_strides: further steps that it gets.
        elementwise: whether the order of the elements does not matter.
        keeps: objects that must live as long.
    """

    inner: tuple[int, int] | NativeCall
    addresses: tuple[int, ...]
    sizes: tuple[int, ...]
    outputs: int
    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    core_shape: tuple[int, ...] = ()
    core_strides: tuple[int, ...] = ()
    elementwise: bool = False
    keeps: tuple[Any, ...] = ()

    def flat(self) -> Loop:
        """Undo `split` for a loop over a single axis."""
        strides = tuple((stride[-1],) for stride in self.strides)
        return replace(self, shape=(prod(self.shape),), strides=strides)

    def split(self, units: int) -> Loop | None:
        """Return the same loop with an outermost one of a length; None if there is no such form."""
        if self.shape[0] == units and len(self.shape) > 1:
            return self
        if len(self.shape) == 1 and self.shape[0] % units == 0:
            inner = self.shape[0] // units
            strides = tuple((inner * stride[0], stride[0]) for stride in self.strides)
            return replace(self, shape=(units, inner), strides=strides)
        return None

    @cached_property
    def extents(self) -> tuple[tuple[int, int], ...]:
        """Return the address of each operand's lowest byte, and the one after its highest."""
        ranges = []
        for low, size, strides in zip(self.addresses, self.sizes, self.strides, strict=True):
            reaches = [(n - 1) * step for n, step in zip(self.shape, strides, strict=True)]
            down = sum(reach for reach in reaches if reach < 0)
            ranges.append((low + down, low + sum(reaches) - down + size))
        return tuple(ranges)

    def follows_in_step(self, earlier: Loop) -> bool:
        """Return whether each part of the outermost loop needs only that part of an earlier one.

        Both have as many parts, which may then run in turns.
        """
        mine, others = len(self.addresses) - self.outputs, len(earlier.addresses) - earlier.outputs
        return all(
            low >= end
            or start >= high
            or (number < mine and other < others)  # both read
            or _are_in_step(self, number, earlier, other)
            for number, (low, high) in enumerate(self.extents)
            for other, (start, end) in enumerate(earlier.extents)
        )


def _are_in_step(first: Loop, mine: int, second: Loop, other: int) -> bool:
    """Return whether part u of one operand overlaps part u of the other one only."""
    if first.addresses[mine] != second.addresses[other]:
        return False
    strides = first.strides[mine], second.strides[other]
    if first.shape == second.shape and strides[0] == strides[1]:
        return 0 not in strides[0]
    if strides[0][0] != strides[1][0] or min(*strides[0], *strides[1]) <= 0:
        return False
    longest = max(
        size + sum((length - 1) * step for length, step in zip(shape[1:], inner[1:], strict=True))
        for size, shape, inner in (
            (first.sizes[mine], first.shape, strides[0]),
            (second.sizes[other], second.shape, strides[1]),
        )
    )
    return longest <= strides[0][0]


class _Group:
    """Loops that take turns, each running some parts of all of them.

    Attributes:
        loops: the loops, whose outermost one has a length of `units` if they are elementwise.
        units: the number of parts.
    """

    def __init__(self, loop: Loop) -> None:
        self._is_elementwise, self._size = loop.elementwise, prod(loop.shape)
        if loop.elementwise:
            self.units = loop.shape[0]
            self.loops = [loop.split(self.units) or loop]
        else:
            self.units = loop.shape[0] if len(loop.shape) == AXES else 1
            self.loops = [loop]
        self._is_flat = loop.elementwise and len(loop.shape) == 1

    @property
    def turn(self) -> int:
        """The number of parts in a turn."""
        if not self._is_elementwise:
            return self.units
        return max(1, CHUNK * self.units // max(1, self._size))

    def takes(self, loop: Loop) -> bool:
        """Add a loop if it can run in turns with the others; return whether it can."""
        if not (self._is_elementwise and loop.elementwise and prod(loop.shape) == self._size):
            return False
        units = loop.shape[0] if self._is_flat else self.units
        others = self.loops
        if self._is_flat and len(loop.shape) > 1:
            whole = [other.flat() for other in others]
            others = [loop.split(units) or loop for loop in whole]
        mine = loop.split(units)
        if mine is None or not all(mine.follows_in_step(other) for other in others):
            return False
        if len(loop.shape) > 1 and self._is_flat and not _stay_in_step(others):
            return False
        self._is_flat = self._is_flat and len(loop.shape) == 1
        self.units, self.loops = units, [*others, mine]
        return True


def _stay_in_step(loops: Sequence[Loop]) -> bool:
    return all(later.follows_in_step(loop) for i, later in enumerate(loops) for loop in loops[:i])


def grouped(loops: Sequence[Loop]) -> list[_Group]:
    """Return the loops in groups.

    Elementwise loops over the same elements run in turns of about `CHUNK` elements, so that what
    one writes is still in the cache when the next one reads it.
    """
    groups: list[_Group] = []
    for loop in loops:
        if not (groups and groups[-1].takes(loop)):
            groups.append(_Group(loop))
    return groups


def native_call(loops: Sequence[Loop]) -> NativeCall:
    """Return the call that runs the loops in sequence."""
    groups: list[tuple[int, ...]] = []
    rows: list[list[int]] = []
    keeps: list[Any] = []
    for group in grouped(loops):
        groups.append((len(rows), len(rows) + len(group.loops), group.units, group.turn))
        for loop in group.loops:
            steps = [stride[-1] for stride in loop.strides]
            if isinstance(loop.inner, NativeCall):
                block = loop.inner.block.copy()
                block[2 : 2 + 2 * len(steps) : 2] = steps
                inner = (loop.inner.address, 0, block.ctypes.data, 0)
                keeps += [block, loop.inner, loop.keeps]
            else:
                dims = np.array([0, *loop.core_shape], np.int64)
                strides = np.array([*steps, *loop.core_strides], np.int64)
                inner = (*loop.inner, dims.ctypes.data, strides.ctypes.data)
                keeps += [dims, strides, loop.keeps]
            rows.append(_row(loop, *inner))
    work = np.zeros(OPERANDS, np.int64)
    tables = np.array(groups, np.int64), np.array(rows, np.int64)
    call = run_loops.bound(*tables, work, work.ctypes.data)
    return replace(call, keeps=(*call.keeps, *keeps))


def _row(loop: Loop, function: int, data: int, dims: int, steps: int) -> list[int]:
    """Return what the routine reads of a loop; for an own loop, `dims` is its block."""
    has_units = loop.elementwise or len(loop.shape) == AXES
    shape = loop.shape if has_units else (1, *loop.shape)
    strides = [stride if has_units else (0, *stride) for stride in loop.strides]
    ones = AXES - len(shape)
    lengths = [*[1] * ones, *shape[1:-1], shape[-1]]
    is_flat = len(shape) == 2 and all(stride[0] == shape[1] * stride[1] for stride in strides)
    padded = [(stride[0], *[0] * ones, *stride[1:-1]) for stride in strides]
    empty = [0] * (OPERANDS - len(strides))
    row = [function, data, len(strides), is_flat, *lengths, dims, steps]
    row += [*loop.addresses, *empty]
    for axis in range(AXES - 1):
        row += [*(lengths[axis] for lengths in padded), *empty]
    return row


FLAT, LENGTHS, DIMS, STEPS, FIRST = 3, 4, 7, 8, 9
"""Places in the row of a loop, which begins with function, data and the number of operands."""


@partial(Routine, rounding=())
def run_loops(groups, loops, work, args):  # type: ignore[no-untyped-def]
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
                            store(dims, count)  # also a block begins with it
                            for p in range(operands):
                                q = FIRST + p
                                address = loops[i, q] + unit * loops[i, q + OPERANDS]
                                address += j * loops[i, q + 2 * OPERANDS]
                                address += k * loops[i, q + 3 * OPERANDS]
                                if steps:
                                    work[p] = address  # which a loop over matrices moves
                                else:
                                    store(dims + 8 + 16 * p, address)
                            if steps:
                                call_loop(function, args, dims, steps, data)
                            else:
                                call_block(function, dims)
            start = stop
