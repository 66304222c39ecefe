"""Patterns: the structure of nests, without sizes, strides and numbers, for which code is made."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from declnet import NativeCall
from declnet_plugins.jit.fusion.nests import Access, Member, Nest, conflicts
from declnet_plugins.recording.program import Element, Expression, Term


class Slot(NamedTuple):
    """What several members of a nest read or write in the same steps.

    Attributes:
        dtype: the name of the elements' type.
        strides: for each axis "0", "1" for contiguous elements, or "s" for a stride in the block.
        selects: whether an index selects the element along one more axis.
    """

    dtype: str
    strides: str
    selects: bool

    def spans(self, axis: int) -> bool:
        """Return whether the element differs along an axis."""
        return self.strides[axis] != "0"


class Step(NamedTuple):
    """An assignment of a pattern.

    Attributes:
        target: the number of a slot.
        value: ("slot", number), ("literal", value, dtype), ("number", position, dtype), ("element",
            slot, value), or (name of a function, arguments, dtype).
        reduction: the name of a ufunc, or "".
        stored: whether the target is written to memory.
    """

    target: int
    value: tuple[Any, ...]
    reduction: str
    stored: bool


class Pass(NamedTuple):
    """Assignments that run one after another for each element.

    Attributes:
        depth: how many of the parallel axes they have.
        axes: the others.
    """

    depth: int
    axes: tuple[int, ...]
    steps: tuple[Step, ...]

    def reads(self) -> list[int]:
        """Return the slots that it reads, except those that an index selects from."""
        return list(dict.fromkeys(slot for step in self.steps for slot in _slots(step.value)))


def _slots(value: tuple[Any, ...]) -> Iterator[int]:
    if value[0] == "slot":
        yield value[1]
    elif value[0] not in ("literal", "number"):
        for argument in value[2:] if value[0] == "element" else value[1]:
            yield from _slots(argument)


class Pattern(NamedTuple):
    """What code depends on.

    Attributes:
        axes: the number of axes.
        parallel: those along which threads may divide the work.
        divided: the one along which they do; -1 for none.
        slots: what is read and written.
        overlaps: pairs of slots that share memory.
        passes: in the order in which they run at their depth.
    """

    axes: int
    parallel: tuple[int, ...]
    divided: int
    slots: tuple[Slot, ...]
    overlaps: tuple[tuple[int, int], ...]
    passes: tuple[Pass, ...]


LITERALS = (0.0, 1.0, -1.0, 2.0, 0.5, 3.0)
"""Numbers that are part of a pattern."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a member runs."""

    member: Member
    nest: Nest
    depth: int
    number: int
    """The number of its pass at this depth."""

    @property
    def keeps_value(self) -> bool:
        """Whether its value can be read after its pass without memory."""
        inner = self.member.axes - self.nest.parallel
        return not inner or bool(self.member.reduced)


def placed(nest: Nest) -> list[Place]:
    """Return where the members of a nest run: as early as what they need allows."""
    places: list[Place] = []
    parallel = sorted(nest.parallel)
    for member in nest.members:
        shared = [number for number, axis in enumerate(parallel) if axis in member.axes]
        depth, axes = max(shared, default=-1) + 1, member.axes - nest.parallel
        mine = [place for place in places if place.depth == depth]
        first = max((_first_pass(place, member) for place in mine), default=0)
        inner = {place.number: place.member.axes - nest.parallel for place in mine}
        count = max(inner, default=-1) + 1
        number = next((n for n in range(first, count) if inner[n] == axes), count)
        places.append(Place(member, nest, depth, number))
    return places


def _first_pass(place: Place, member: Member) -> int:
    """Return the first pass in which a member may run, given one before it."""
    needed = 0
    for one, other in conflicts(place.member, member):
        is_partial = one is place.member.target and place.member.reduced
        needed = max(needed, place.number + (one.key != other.key or bool(is_partial)))
    return needed


def is_forwarded(writer: Place, reader: Place, access: Access) -> bool:
    """Return whether a reader gets what a writer has computed without memory."""
    if writer.nest is not reader.nest or writer.member.target.key != access.key:
        return False
    members = writer.nest.members
    if members.index(writer.member) >= members.index(reader.member):
        return False
    target = writer.member.target
    for member in members:
        if member.target.key != target.key and member.target.overlaps(target):
            return False
    together = (writer.depth, writer.number) == (reader.depth, reader.number)
    return together or writer.keeps_value


class Words:
    """The block of a native call, and the structure that it belongs to."""

    def __init__(self, nest: Nest, places: Sequence[Place], dead: set[Member]) -> None:
        self._nest, self._places, self._dead = nest, places, dead
        self._slots: dict[tuple[object, ...], int] = {}
        self._accesses: list[Access] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self.numbers: list[Any] = []
        by_pass: dict[tuple[int, int], list[Step]] = {}
        axes: dict[tuple[int, int], frozenset[int]] = {}
        for place in places:
            key = place.depth, place.number
            by_pass.setdefault(key, []).append(self._step(place.member))
            axes[key] = place.member.axes - nest.parallel
        parallel = tuple(sorted(nest.parallel))
        longest = max(parallel, key=lambda axis: nest.lengths[axis], default=-1)
        overlaps = tuple(
            (i, j)
            for i, one in enumerate(self._accesses)
            for j, other in enumerate(self._accesses)
            if i != j and one.overlaps(other)
        )
        self.pattern = Pattern(
            len(nest.lengths),
            parallel,
            longest,
            tuple(map(_slot, self._accesses)),
            overlaps,
            tuple(
                Pass(key[0], tuple(sorted(axes[key])), tuple(by_pass[key]))
                for key in sorted(by_pass)
            ),
        )

    def _step(self, member: Member) -> Step:
        accesses = iter(member.accesses)
        target = self._slot_of(next(accesses))
        value = self._value(member.assignment.value, accesses)
        reduction = member.assignment.reduction if member.reduced else None
        name = "" if reduction is None else reduction.__name__
        return Step(target, value, name, member not in self._dead)

    def _slot_of(self, access: Access) -> int:
        number = self._slots.setdefault(access.key, len(self._slots))
        if number == len(self._accesses):
            self._accesses.append(access)
        return number

    def _value(self, term: Term, accesses: Any) -> tuple[Any, ...]:
        if isinstance(term, np.ndarray):
            return "slot", self._slot_of(next(accesses))
        if isinstance(term, Element):
            slot = self._slot_of(next(accesses))
            return "element", slot, self._value(term.index, accesses)
        if not isinstance(term, Expression):
            return self._number(term)
        function, arguments = term.function, term.arguments
        if function in (np.power, np.float_power) and isinstance(arguments[1], np.generic):
            exponent = float(arguments[1])
            value = self._value(arguments[0], accesses)
            return "power", (value, ("literal", exponent, term.dtype.name)), term.dtype.name
        values = tuple(self._value(argument, accesses) for argument in arguments)
        return function.__name__, values, term.dtype.name

    def _number(self, number: np.generic) -> tuple[Any, ...]:
        value, name = number.item(), number.dtype.name
        if value in LITERALS or np.isnan(value):
            return "literal", value, name
        key = repr(value), name
        if key not in self._numbers:
            self._numbers[key] = len(self.numbers)
            self.numbers.append(number)
        return "number", self._numbers[key], name

    def call(self, address: int, keeps: tuple[object, ...] = ()) -> NativeCall:
        """Return the call of the function at an address, which keeps further objects."""
        words = [0, 1, *self._nest.lengths]
        for access in self._accesses:
            words.append(access.address)
            if access.selects:
                words += [access.array.shape[0], access.array.strides[0]]
            classes = _slot(access).strides
            words += [s for s, kind in zip(access.strides, classes, strict=True) if kind == "s"]
        for number in self.numbers:
            kind = number.dtype.kind
            words += (
                struct.unpack("=q", struct.pack("=d", float(number)))
                if kind == "f"
                else [int(number)]
            )
        arrays = {id(access.array): access.array for access in self._accesses}
        block, is_divisible = np.array(words, np.int64), self.pattern.divided >= 0
        return NativeCall(address, block, (*arrays.values(), *keeps), is_divisible)


def _slot(access: Access) -> Slot:
    last, size = len(access.strides) - 1, access.dtype.itemsize
    classes = (
        "0" if stride == 0 else "1" if axis == last and stride == size else "s"
        for axis, stride in enumerate(access.strides)
    )
    return Slot(access.dtype.name, "".join(classes), access.selects)
