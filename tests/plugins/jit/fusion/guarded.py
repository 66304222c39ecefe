"""Arrays between pages that no process may touch, and calls that are recorded and fused."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet import NativeCall
from declnet_plugins.jit.fusion.fused import Fusible, fused
from declnet_plugins.jit.fusion.nests import is_fusible
from declnet_plugins.recording.program import assignments
from declnet_plugins.recording.recording import RecordedCall, Recording

PAGE = mmap.PAGESIZE


def guarded(array: np.ndarray, at_end: bool = True) -> np.ndarray:
    """Return a copy with the same strides whose first or last byte is next to a forbidden page."""
    low, high = np.lib.array_utils.byte_bounds(array)
    size = high - low
    pages = -(-size // PAGE) * PAGE
    memory = mmap.mmap(-1, pages + 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None)
    for place in (0, PAGE + pages):
        if libc.mprotect(ctypes.c_void_p(start + place), PAGE, 0):
            raise OSError("cannot protect a page")
    offset = PAGE + (pages - size if at_end else 0) + array.ctypes.data - low
    copy = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
    copy[...] = array
    return copy


def recorded(function: Callable[..., None], arrays: Sequence[np.ndarray]) -> list[RecordedCall]:
    """Return the calls that a function of arrays makes."""
    recording = Recording()
    with np.errstate(all="ignore"):
        function(*map(recording.array, arrays))
    return recording.calls


def fused_calls(
    calls: Sequence[RecordedCall], private: Sequence[np.ndarray] = ()
) -> list[NativeCall]:
    """Return the fused form of recorded calls, all of which must be fusible."""
    program = [item for call in calls for item in assignments(call)]
    assert all(map(is_fusible, program))
    bounds = tuple(map(np.lib.array_utils.byte_bounds, private))
    return fused([Fusible(program, bounds)])


def run(calls: Sequence[NativeCall], parts: int) -> None:
    """Make calls, divisible ones in parts, the last one first."""
    for call in calls:
        for part in reversed(range(parts if call.divisible else 1)):
            if call.divisible:
                call.block[:2] = part, parts
            call()


def filled(rng: np.random.Generator, shape: Any, dtype: str, order: Sequence[int]) -> np.ndarray:
    """Return numbers in an array whose axes have an order in memory."""
    lengths = [shape[axis] for axis in order]
    values = rng.normal(size=lengths)
    return values.astype(dtype).transpose(np.argsort(order))
