"""Loops over arrays around the inner loops of ufuncs, and the native call that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from declnet import Array, Dtype, NativeCall
from declnet_plugins.jit.replay.ufunc_loops import loop_of
from declnet_plugins.jit.routines.memory import call_loop, store
from declnet_plugins.jit.routines.routine import Routine
from declnet_plugins.recording.program import address_of
from declnet_plugins.recording.symbols import NotTranslatedError

OPERANDS, AXES = 5, 4
"""The largest numbers of operands and of nested loops."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A nest of loops around an inner loop, `void f(char **args, dims, steps, void *data)`.

    Attributes:
        inner: the address of the inner loop and `data`.
        addresses: of the first elements of the operands, the output last.
        shape: the lengths of the loops, from the outermost to the inner one.
        strides: of each operand, bytes for each loop.
        core_shape: further dimensions that the inner loop gets (of matrices, for example).
        core_strides: further steps that it gets.
        keeps: objects that must live as long.
    """

    inner: tuple[int, int]
    addresses: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    core_shape: tuple[int, ...] = ()
    core_strides: tuple[int, ...] = ()
    keeps: tuple[Any, ...] = ()


def loop_over(
    ufunc: np.ufunc, dtypes: Sequence[Dtype], arrays: Sequence[Array], order: Sequence[int] = ()
) -> Loop:
    """Return a loop of a ufunc over all elements.

    NumPy's own iterator orders and joins the axes, so that sums come out in NumPy's order.

    Args:
        ufunc: the ufunc.
        dtypes: the types of its operands.
        arrays: inputs, then the output, or the output of a reduction first; those with fewer axes
            are broadcast.
        order: the arrays, by number, as the inner loop takes them; default: as they are.

    Raises:
        NotTranslatedError: there is none.
    """
    inner = loop_of(ufunc, dtypes)
    if inner is None:
        names = ", ".join(map(str, dtypes))
        raise NotTranslatedError(f"calls np.{ufunc.__name__} with {names}")
    if not all(array.flags.aligned and array.dtype.isnative for array in arrays):
        raise NotTranslatedError("has an array whose elements are not aligned in memory")
    places = order or range(len(arrays))
    access = [["readwrite" if n == places[-1] else "readonly"] for n in range(len(arrays))]
    iterator = np.nditer(arrays, ["external_loop", "reduce_ok"], access, order="K")  # type: ignore[call-overload]
    with iterator:
        views = iterator.itviews
        shape: tuple[int, ...] = views[0].shape or (1,)
        if len(shape) > AXES or len(arrays) > OPERANDS:
            raise NotTranslatedError(f"loops over {len(shape)} axes of {len(arrays)} arrays")
        addresses = tuple(address_of(views[place]) for place in places)
        strides = tuple(views[place].strides or (0,) for place in places)
    return Loop(inner, addresses, shape, strides, keeps=tuple(arrays))


def native_call(loops: Sequence[Loop]) -> NativeCall:
    """Return the call that runs the loops in sequence."""
    rows: list[list[int]] = []
    keeps: list[Any] = []
    for loop in loops:
        dims = np.array([0, *loop.core_shape], np.int64)
        steps = [*(stride[-1] for stride in loop.strides), *loop.core_strides]
        inner_steps = np.array(steps, np.int64)
        keeps += [loop.keeps, dims, inner_steps]
        rows.append(_row(loop, dims.ctypes.data, inner_steps.ctypes.data))
    work = np.zeros(OPERANDS, np.int64)
    call = run_loops.bound(np.array(rows, np.int64), work, work.ctypes.data)
    return replace(call, keeps=(*call.keeps, *keeps))


def _row(loop: Loop, dims: int, steps: int) -> list[int]:
    """Return what the routine reads of a loop."""
    outer = AXES - len(loop.shape)
    row = [*loop.inner, len(loop.strides), *[1] * outer, *loop.shape, dims, steps]
    padded = [(*[0] * outer, *stride) for stride in loop.strides]
    for column in (loop.addresses, *zip(*padded, strict=True)):
        row += [*column, *[0] * (OPERANDS - len(column))]
    return row


LENGTHS, DIMS, STEPS, FIRST = 3, 7, 8, 9
"""Places in the row of a loop, which begins with function, data and the number of operands."""


@partial(Routine, rounding=())
def run_loops(loops, work, args):  # type: ignore[no-untyped-def]
    """Run the loops; `args` is the address of `work`, which a loop over matrices moves."""
    for n in range(loops.shape[0]):
        function, data, operands = loops[n, 0], loops[n, 1], loops[n, 2]
        count, dims, steps = loops[n, LENGTHS + 3], loops[n, DIMS], loops[n, STEPS]
        for i in range(loops[n, LENGTHS]):
            for j in range(loops[n, LENGTHS + 1]):
                for k in range(loops[n, LENGTHS + 2]):
                    store(dims, count)
                    for p in range(operands):
                        q = FIRST + p
                        address = loops[n, q] + i * loops[n, q + OPERANDS]
                        address += j * loops[n, q + 2 * OPERANDS] + k * loops[n, q + 3 * OPERANDS]
                        work[p] = address
                    call_loop(function, args, dims, steps, data)
