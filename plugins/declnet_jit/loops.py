"""Loops over arrays around inner loops, and the native call that runs a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from declnet import NativeCall
from declnet_jit.loop_routine import AXES, OPERANDS, run_loops

CHUNK = 4096
"""Elements of each array that a group of elementwise loops processes before it goes on."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest of loops around an inner loop, `void f(char **args, dims, steps, void *data)`.

    Attributes:
        function: the address of the inner loop, or the number of an own one.
        data: passed to the inner loop.
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

    function: int
    data: int
    addresses: tuple[int, ...]
    sizes: tuple[int, ...]
    outputs: int
    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    core_shape: tuple[int, ...] = ()
    core_strides: tuple[int, ...] = ()
    elementwise: bool = False
    keeps: tuple[Any, ...] = ()

    def split(self, units: int) -> Loop | None:
        """Return the same loop with an outermost one of a length; None if there is no such form."""
        if self.shape[0] == units and len(self.shape) > 1:
            return self
        if len(self.shape) == 1 and self.shape[0] % units == 0:
            inner = self.shape[0] // units
            strides = tuple((inner * each[0], each[0]) for each in self.strides)
            return replace(self, shape=(units, inner), strides=strides)
        return None

    def extent(self, operand: int) -> tuple[int, int]:
        """Return the address of an operand's lowest byte, and the one after its highest."""
        low = self.addresses[operand]
        high = low + self.sizes[operand]
        for length, stride in zip(self.shape, self.strides[operand], strict=True):
            reach = (length - 1) * stride
            low, high = low + min(reach, 0), high + max(reach, 0)
        return low, high

    def follows_in_step(self, earlier: Loop) -> bool:
        """Return whether each part of the outermost loop needs only that part of an earlier one.

        Both have as many parts, which may then run in turns.
        """
        count, before = len(self.addresses), len(earlier.addresses)
        for mine in range(count):
            for other in range(before):
                if mine < count - self.outputs and other < before - earlier.outputs:
                    continue  # both read
                if not _are_in_step(self, mine, earlier, other):
                    return False
        return True


def _are_in_step(first: Loop, mine: int, second: Loop, other: int) -> bool:
    """Return whether part u of one operand overlaps part u of the other one only."""
    (low, high), (start, end) = first.extent(mine), second.extent(other)
    if high <= start or end <= low:
        return True
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


def grouped(loops: Sequence[Loop]) -> list[tuple[list[Loop], int, int]]:
    """Return the loops in groups, each with its number of parts and the parts of a turn.

    Elementwise loops over the same elements run in turns of about `CHUNK` elements, so that what
    one writes is still in the cache when the next one reads it.
    """
    groups: list[tuple[list[Loop], int, int]] = []
    for loop in loops:
        joined = _joined(groups[-1][0], loop) if groups and loop.elementwise else None
        if joined is None:
            groups.append(([loop], *_turns([loop])))
        else:
            groups[-1] = joined, *_turns(joined)
    return [(_in_parts(group, units), units, turn) for group, units, turn in groups]


def _joined(group: list[Loop], loop: Loop) -> list[Loop] | None:
    """Return a group with a further loop; None if the loop does not go with it."""
    if not group[0].elementwise or _size(group[0]) != _size(loop):
        return None
    together = [*group, loop]
    units, _ = _turns(together)
    parts = [each.split(units) if units else each for each in together]
    if any(each is None for each in parts):
        return None
    last = parts[-1]
    if all(last.follows_in_step(each) for each in parts[:-1]):  # type: ignore[union-attr,arg-type]
        return together
    return None


def _size(loop: Loop) -> int:
    return int(np.prod(loop.shape, dtype=np.int64))


def _turns(group: list[Loop]) -> tuple[int, int]:
    """Return the number of parts of a group and how many of them a turn takes."""
    if not group[0].elementwise:
        shape = group[0].shape
        return (shape[0], shape[0]) if len(shape) == AXES else (1, 1)
    nested = [each.shape[0] for each in group if len(each.shape) > 1]
    units = nested[0] if nested else group[0].shape[0]
    return units, max(1, CHUNK * units // max(1, _size(group[0])))


def _in_parts(group: list[Loop], units: int) -> list[Loop]:
    if not group[0].elementwise:
        return group
    return [each.split(units) or each for each in group]


def native_call(loops: Sequence[Loop]) -> NativeCall:
    """Return the call that runs the loops one after another."""
    groups: list[tuple[int, ...]] = []
    rows: list[list[int]] = []
    keeps: list[Any] = []
    for group, units, turn in grouped(loops):
        groups.append((len(rows), len(rows) + len(group), units, turn))
        for loop in group:
            dims = np.array([0, *loop.core_shape], np.int64)
            inner = [each[-1] for each in loop.strides]
            steps = np.array([*inner, *loop.core_strides], np.int64)
            keeps += [dims, steps, loop.keeps]
            rows.append(_row(loop, dims.ctypes.data, steps.ctypes.data))
    work = np.zeros(OPERANDS, np.int64)
    tables = np.array(groups, np.int64), np.array(rows, np.int64)
    call = run_loops.bound(*tables, work, work.ctypes.data)
    return replace(call, keeps=(*call.keeps, *keeps))


def _row(loop: Loop, dims: int, steps: int) -> list[int]:
    """Return what the routine reads of a loop."""
    has_units = loop.elementwise or len(loop.shape) == AXES
    shape = loop.shape if has_units else (1, *loop.shape)
    strides = [each if has_units else (0, *each) for each in loop.strides]
    ones = AXES - len(shape)
    lengths = [*[1] * ones, *shape[1:-1], shape[-1]]
    is_flat = len(shape) == 2 and all(each[0] == shape[1] * each[1] for each in strides)
    padded = [(each[0], *[0] * ones, *each[1:-1]) for each in strides]
    empty = [0] * (OPERANDS - len(strides))
    row = [loop.function, loop.data, len(strides), is_flat, *lengths, dims, steps]
    row += [*loop.addresses, *empty]
    for axis in range(AXES - 1):
        row += [*(each[axis] for each in padded), *empty]
    return row
