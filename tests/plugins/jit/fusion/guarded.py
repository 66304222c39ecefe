"""Arrays between inaccessible pages, and recorded calls and their fused forms."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from declnet import LayerState, NativeCall
from declnet_plugins.jit.fusion.fused import Fusible
from declnet_plugins.jit.replay.lowering import lowered
from declnet_plugins.jit.replay.replay import joined
from declnet_plugins.jit.replay.shadow import mapped
from declnet_plugins.recording.program import Assignment
from declnet_plugins.recording.recording import RecordedCall, Recording

PAGE = mmap.PAGESIZE


def guarded(array: np.ndarray, at_end: bool = True) -> np.ndarray:
    """Return a copy with the same strides whose first or last byte borders a guard page."""
    low, high = bounds_of(array)
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


def between_guards(calls: Sequence[partial[Any]]) -> list[partial[Any]]:
    """Return calls on copies of their arrays, which overlap as the arrays do, between guards."""
    arrays: dict[int, np.ndarray] = {}
    states: dict[int, Any] = {}
    copies: dict[int, np.ndarray] = {}

    def note(array: np.ndarray) -> np.ndarray:
        arrays[id(array)] = array
        return array

    def mapped_once(argument: Any) -> Any:
        if not isinstance(argument, LayerState):
            return mapped(argument, copy_of, lambda generator: generator)
        if id(argument) not in states:
            states[id(argument)] = mapped(argument, copy_of, lambda generator: generator)
        return states[id(argument)]

    def copy_of(array: np.ndarray) -> np.ndarray:
        return copies.get(id(array), array)

    for call in calls:
        mapped((*call.args, *call.keywords.values()), note, lambda generator: generator)
    ordered = sorted((array for array in arrays.values() if array.size), key=bounds_of)
    while ordered:
        low, high = bounds_of(ordered[0])
        group: list[np.ndarray] = []
        while ordered and bounds_of(ordered[0])[0] < high:
            group.append(ordered.pop(0))
            high = max(high, bounds_of(group[-1])[1])
        high += -(high - low) % max(array.itemsize for array in group)
        memory = guarded(np.zeros(high - low, np.uint8))
        for array in group:
            place = array.__array_interface__["data"][0] - low
            copy = np.ndarray(array.shape, array.dtype, memory, place, array.strides)
            copy[...] = array
            copy.flags.writeable = array.flags.writeable
            copies[id(array)] = copy
    return [
        partial(
            call.func,
            *map(mapped_once, call.args),
            **{name: mapped_once(value) for name, value in call.keywords.items()},
        )
        for call in calls
    ]


def bounds_of(array: np.ndarray) -> tuple[int, int]:
    """Return the addresses of an array's first byte and of the one after its last."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return low, high


def recorded(function: Callable[..., None], arrays: Sequence[np.ndarray]) -> list[RecordedCall]:
    """Return the calls that a function of arrays makes."""
    recording = Recording()
    with np.errstate(all="ignore"):
        function(*map(recording.array, arrays))
    return recording.calls


def fused_calls(calls: Sequence[RecordedCall]) -> tuple[Callable[[], object], ...]:
    """Return the fused form of recorded calls."""
    return joined([*_parts(calls, exact=False)])


def exact_calls(calls: Sequence[RecordedCall]) -> tuple[Callable[[], object], ...]:
    """Return recorded calls as NumPy's own loops, and fused loops that give the same bits."""
    return joined([*_parts(calls, exact=True)])


def _parts(calls: Sequence[RecordedCall], exact: bool) -> Iterator[Any]:
    steps = [step for call in calls for step in lowered(call, exact)]
    for kind, group in groupby(steps, type):
        items: list[Any] = [*group]
        yield Fusible(items) if kind is Assignment else items


def run(calls: Sequence[NativeCall], parts: int) -> None:
    """Run calls, divisible ones in parts, beginning with the last part."""
    for call in calls:
        for part in reversed(range(parts if call.divisible else 1)):
            if call.divisible:
                call.block[:2] = part, parts
            call()


def filled(rng: np.random.Generator, shape: Any, dtype: str, order: Sequence[int]) -> np.ndarray:
    """Return an array of random numbers whose axes have a given order in memory."""
    lengths = [shape[axis] for axis in order]
    values = rng.normal(size=lengths)
    return values.astype(dtype).transpose(np.argsort(order))
