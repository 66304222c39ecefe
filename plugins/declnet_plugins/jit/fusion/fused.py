"""The native calls of fused assignments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import Array, LayerState, OptimizerState
from declnet_plugins.jit.fusion.nests import Nest, nests_of
from declnet_plugins.jit.fusion.patterns import Place, Words, is_forwarded, placed
from declnet_plugins.recording.program import Assignment

Bounds = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Fusible:
    """Assignments that can be fused with others that follow or precede them.

    Attributes:
        private: ranges of addresses that only they read.
        scratch: those that only methods of their component read.
        method: the component's state and the name of the method.
        forgotten: arrays that nobody reads afterwards, until they are written again.
        keeps: objects that must live as long.
    """

    assignments: Sequence[Assignment]
    private: tuple[Bounds, ...] = ()
    scratch: tuple[Bounds, ...] = ()
    method: tuple[object, str] = (None, "")
    forgotten: tuple[Array, ...] = ()
    keeps: tuple[object, ...] = ()


def fused(parts: Sequence[Any]) -> list[Any]:
    """Return parts of a step with native calls instead of assignments; the others are kept.

    What only assignments of the same loops read is not written to memory.
    """
    steps: list[Any] = []
    for is_fusible, group in groupby(parts, lambda part: isinstance(part, Fusible)):
        if is_fusible:
            steps += nests_of([part.assignments for part in group])
        else:
            steps += group
    fusible = [part for part in parts if isinstance(part, Fusible)]
    if not fusible:
        return steps
    private = {bounds for part in fusible for bounds in part.private}
    methods = {part.method for part in fusible}
    for part in fusible:
        state, name = part.method
        if name == "update" or {(state, "forward"), (state, "backward")} <= methods:
            private |= {*part.scratch}
    forgotten = {byte_bounds(array) for part in fusible for array in part.forgotten}
    keeps = tuple({id(item): item for part in fusible for item in part.keeps}.values())
    places = {number: placed(nest) for number, nest in enumerate(steps) if isinstance(nest, Nest)}
    writers: dict[tuple[int, object], list[Place]] = {}
    for number, of_nest in places.items():
        for place in of_nest:
            writers.setdefault((number, place.member.target.key), []).append(place)
    readers = [
        (number, place, access)
        for number, of_nest in places.items()
        for place in of_nest
        for access in place.member.accesses[1:]
        if not any(
            is_forwarded(writer, place, access) for writer in writers.get((number, access.key), ())
        )
    ]
    others = [
        (number, bounds)
        for number, part in enumerate(steps)
        if not isinstance(part, Nest)
        for bounds in _reached(part)
    ]

    def is_dead(number: int, place: Place) -> bool:
        target = place.member.target
        only_later = _is_within(target.bounds, forgotten)
        if not only_later and not _is_within(target.bounds, private):
            return False
        return not any(
            _overlap(target.bounds, bounds)
            for other, bounds in others
            if other > number or not only_later
        ) and not any(
            target.overlaps(access)
            for other, reader, access in readers
            if not only_later or other > number or _is_later(place, reader)
        )

    from declnet_plugins.jit.fusion.compiling import address_of_pattern  # needs llvmlite

    for number, of_nest in places.items():
        dead = {place.member for place in of_nest if is_dead(number, place)}
        words = Words(steps[number], of_nest, dead)
        is_needed = len(dead) < len(of_nest)
        steps[number] = words.call(address_of_pattern(words.pattern), keeps) if is_needed else None
    return [step for step in steps if step is not None]


def _is_later(place: Place, reader: Place) -> bool:
    members = place.nest.members
    if place.nest is not reader.nest:
        return False
    return members.index(reader.member) > members.index(place.member)


def _reached(part: Any) -> Iterator[Bounds]:
    """Yield the ranges of addresses that a part of a step may read, as far as it has arrays."""
    if isinstance(part, np.ndarray):
        if part.size:
            yield byte_bounds(part)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _reached(item)
    elif isinstance(part, LayerState | OptimizerState):
        yield from _reached(tuple(vars(part).values()))
        yield from _reached(tuple(vars(getattr(part, "grad", part)).values()))
    elif isinstance(part, partial):
        yield from _reached((*part.args, *part.keywords.values()))
    elif is_dataclass(part):
        yield from _reached(tuple(vars(part).values()))


def _is_within(bounds: Bounds, ranges: Iterable[Bounds]) -> bool:
    return any(low <= bounds[0] and bounds[1] <= high for low, high in ranges)


def _overlap(one: Bounds, other: Bounds) -> bool:
    return one[0] < other[1] and other[0] < one[1]
