"""The grouping of assignments into nests of loops over the same elements.

The axes of a nest are ordered as in memory. Along its *parallel* axes, no step needs what another
step computes: each reads and writes only elements that the others do not write. In each step, its
assignments run one after another over the other axes; so a row is still in the cache, or its sum in
a register, when the next assignment reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise, product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import Array, Dtype
from declnet_plugins.jit.fusion.functions import start_of, supports
from declnet_plugins.jit.fusion.lanes import TYPES
from declnet_plugins.recording.program import (
    Assignment,
    Element,
    Expression,
    Term,
    address_of,
)

LARGEST = 64
"""Assignments in a nest, so that its compilation stays short."""

BACK = 4
"""Nests to which an assignment may be added, if it needs nothing of those after it."""

SEQUENTIAL = 1 << 14
"""Elements of a nest that may have no parallel axis left, so that no threads can share it."""

Lengths = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Access:
    """The elements that an assignment reads or writes, one in each step of a nest.

    Attributes:
        address: of the first element.
        strides: bytes for each axis of the nest.
        array: the array, whose memory must live as long.
        bounds: the addresses of the array's first byte and of the one after its last.
        selects: whether an index selects the element along the array's first axis.
    """

    address: int
    strides: Lengths
    dtype: Dtype
    array: Array
    bounds: tuple[int, int]
    selects: bool = False

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What two accesses to the same elements in the same steps have in common."""
        return self.address, self.strides, self.dtype.char, self.selects and self.array.strides[0]

    def overlaps(self, other: Access) -> bool:
        """Return whether both may reach the same memory."""
        bounds, others = self.bounds, other.bounds
        return bounds[0] < others[1] and others[0] < bounds[1]

    @cached_property
    def spans(self) -> frozenset[int]:
        """The axes along which the element differs."""
        return frozenset(axis for axis, stride in enumerate(self.strides) if stride)


@dataclass(frozen=True, eq=False)
class Member:
    """An assignment in a nest.

    Attributes:
        accesses: the target, then the inputs in the assignment's order.
        axes: those of the nest that it has.
        reduced: those along which it combines values.
    """

    assignment: Assignment
    accesses: tuple[Access, ...]
    axes: frozenset[int]
    reduced: frozenset[int]

    @property
    def target(self) -> Access:
        """What it writes."""
        return self.accesses[0]

    def moved(self, strides: Any, places: Sequence[Sequence[int]]) -> Member:
        """Return the member of a nest with other axes.

        Args:
            strides: returns the strides of an access along the new axes.
            places: the new axes of each old one.
        """
        moved = tuple(replace(access, strides=strides(access.strides)) for access in self.accesses)
        axes, reduced = (
            frozenset(new for old in axes for new in places[old])
            for axes in (self.axes, self.reduced)
        )
        return Member(self.assignment, moved, axes, reduced)


class Nest:
    """Assignments that run in the same loops."""

    def __init__(self, lengths: Lengths, member: Member) -> None:
        self.lengths, self.members = lengths, [member]
        self.parallel = frozenset(range(len(lengths))) - member.reduced

    def takes(self, lengths: Lengths, member: Member, related: bool = False) -> bool:
        """Add an assignment over a space if it can run in the loops; return whether it can.

        Args:
            related: whether it may run in them if it has the same axes, but shares no data.
        """
        if len(self.members) >= LARGEST:
            return False
        for joint, mine, others in _joint_axes(self.lengths, lengths):
            members = [_moved(other, mine, self.lengths, joint) for other in self.members]
            added = _moved(member, others, lengths, joint)
            fits = related and lengths == self.lengths
            if (fits or _share_data(members, added)) and self._accepts(joint, members, added):
                return True
        return False

    def _accepts(self, lengths: Lengths, members: list[Member], added: Member) -> bool:
        whole = frozenset(range(len(lengths)))
        sequential = added.reduced.union(*(member.reduced for member in members))
        parallel = whole - sequential
        if not parallel and lengths and prod(lengths) > SEQUENTIAL:
            return False
        for member in (*members, added):
            if member.reduced and member.axes & sequential != member.reduced:
                return False
        pairs: Iterable[tuple[Member, Member]] = combinations((*members, added), 2)
        if lengths == self.lengths:  # the members are in step with each other
            pairs = product(members, [added])
        if not all(are_in_step(first, later, parallel, lengths) for first, later in pairs):
            return False
        if not all(_is_repeatable(member, parallel) for member in (*members, added)):
            return False
        self.lengths, self.members, self.parallel = lengths, [*members, added], parallel
        return True


def is_fusible(assignment: Assignment, exact: bool = False) -> bool:
    """Return whether an assignment can be part of a nest.

    Args:
        assignment: the assignment.
        exact: whether its results must be NumPy's to the bit.
    """
    target = assignment.target
    if not target.size or not _is_computed(assignment, exact):
        return False
    if not all(map(is_regular, (target, *assignment.inputs()))):
        return False
    fixed = {axis for axis, n in enumerate(target.shape) if n > 1 and not target.strides[axis]}
    return fixed <= assignment.axes  # else it writes the same element again and again


def is_regular(array: Array) -> bool:
    """Return whether the elements of an array can be read and written by a nest."""
    is_plain = array.flags.aligned and array.dtype.isnative
    return is_plain and all(stride >= 0 for stride in array.strides)


def nests_of(groups: Sequence[Sequence[Assignment]]) -> list[Nest]:
    """Return the nests of consecutive assignments, each of which is fusible.

    Those of the same group may share loops even if they share no data.
    """
    nests: list[Nest] = []
    for group in groups:
        first = len(nests)
        for assignment in group:
            canonical = _canonical(assignment)
            if not _is_taken(nests, first, *canonical):
                nests.append(Nest(*canonical))
    return nests


def _is_taken(nests: Sequence[Nest], first: int, lengths: Lengths, member: Member) -> bool:
    """Add an assignment to one of the last nests if it needs nothing of those after it.

    Args:
        first: the number of the first nest that has been made for the same group.
    """
    for number in range(len(nests) - 1, max(-1, len(nests) - 1 - BACK), -1):
        nest = nests[number]
        if nest.takes(lengths, member, related=number >= first):
            return True
        if any(any(conflicts(earlier, member)) for earlier in nest.members):
            return False
    return False


def conflicts(first: Member, later: Member) -> Iterator[tuple[Access, Access]]:
    """Yield accesses of two members to the same memory, one of which writes."""
    low, high = first.target.bounds
    for other in later.accesses:
        if other.bounds[0] < high and low < other.bounds[1]:
            yield first.target, other
    low, high = later.target.bounds
    for one in first.accesses[1:]:
        if one.bounds[0] < high and low < one.bounds[1]:
            yield one, later.target


def _canonical(assignment: Assignment) -> tuple[Lengths, Member]:
    """Return the axes of an assignment, in the order of memory and joined where possible."""
    inputs = list(assignment.inputs())
    count = assignment.target.ndim
    views = [assignment.target, *(array[0] if array.ndim > count else array for array in inputs)]
    access = [["readonly"]] * len(views)
    with np.nditer(views, ["external_loop"], access, order="K") as iterator:  # type: ignore[call-overload]
        operands = iterator.itviews
        shape = operands[0].shape
        axes_of_nest = [axis for axis, length in enumerate(shape) if length != 1]
        accesses = tuple(
            Access(
                address_of(view),
                tuple(view.strides[axis] for axis in axes_of_nest),
                view.dtype,
                array,
                byte_bounds(array),
                array.ndim > count,
            )
            for view, array in zip(operands, (assignment.target, *inputs), strict=True)
        )
    lengths = tuple(shape[axis] for axis in axes_of_nest)
    axes = frozenset(range(len(lengths)))
    return lengths, Member(assignment, accesses, axes, axes - accesses[0].spans)


def _is_computed(assignment: Assignment, exact: bool) -> bool:
    """Return whether code can be made for what an assignment computes."""
    dtype, reduction = assignment.target.dtype, assignment.reduction
    if reduction is not None and start_of(reduction, dtype, exact) is None:
        return False
    return _is_supported(assignment.value, exact) and dtype in TYPES


def _is_supported(term: Term, exact: bool) -> bool:
    if isinstance(term, Element):
        return _is_supported(term.index, exact) and term.dtype in TYPES
    if isinstance(term, Expression):
        types = tuple(argument.dtype for argument in term.arguments)
        return supports(term.function, types, term.dtype, exact) and all(
            _is_supported(argument, exact) for argument in term.arguments
        )
    return term.dtype in TYPES


def _joint_axes(
    first: Lengths, second: Lengths
) -> Iterator[tuple[Lengths, tuple[int, ...], tuple[int, ...]]]:
    """Yield axes that two spaces can share: their lengths, and each space's positions in them."""
    sizes = prod(first), prod(second)
    if sizes[0] == sizes[1]:
        joint = _refined(first, second)
        if joint is not None:
            every = tuple(range(len(joint)))
            yield joint, every, every
        return
    large, small = (first, second) if sizes[0] > sizes[1] else (second, first)
    every = tuple(range(len(large)))
    for count in range(len(large)):
        for places in combinations(every, count):
            lengths = tuple(large[place] for place in places)
            if prod(lengths) == prod(small) and _refined(lengths, small) == lengths:
                yield (large, every, places) if large is first else (large, places, every)


def _refined(first: Lengths, second: Lengths) -> Lengths | None:
    """Return the axes into which the axes of both spaces can be split; None if there are none."""
    sizes = {prod(lengths[axis:]) for lengths in (first, second) for axis in range(len(lengths))}
    ordered = [1, *sorted(sizes)]
    if any(large % small for small, large in pairwise(ordered)):
        return None
    return tuple(large // small for small, large in pairwise(ordered))[::-1]


def _moved(member: Member, places: Sequence[int], old: Lengths, joint: Lengths) -> Member:
    """Return a member whose axes are split into axes of a joint space, which are these."""
    if joint == old:
        return member
    parts: list[list[int]] = [[] for _ in old]
    axis, left = len(old) - 1, old[-1] if old else 1
    for place in reversed(places):
        parts[axis].insert(0, place)
        left //= joint[place]
        if left == 1 and axis > 0:
            axis -= 1
            left = old[axis]

    def strides(before: Lengths) -> Lengths:
        after = [0] * len(joint)
        for stride, split in zip(before, parts, strict=True):
            for number, place in enumerate(split):
                inner = split[number + 1 :]
                after[place] = stride * prod(joint[other] for other in inner)
        return tuple(after)

    return member.moved(strides, parts)


def _share_data(members: Sequence[Member], added: Member) -> bool:
    """Return whether a member and others read or write the same elements.

    Of single numbers, only those count that one of them writes.
    """
    keys = {access.key: False for member in members for access in member.accesses}
    keys |= {member.target.key: True for member in members}
    for number, access in enumerate(added.accesses):
        if access.key in keys and (any(access.strides) or number == 0 or keys[access.key]):
            return True
    return False


def are_in_step(first: Member, later: Member, parallel: frozenset[int], lengths: Lengths) -> bool:
    """Return whether two members may run in turns, in each step along the parallel axes."""
    for one, other in conflicts(first, later):
        if one.selects or other.selects:
            return False
        if one.key == other.key:
            if other is later.target and not parallel <= one.spans:
                return False  # other steps also write it, or read it before
        elif not _are_apart(one, other, parallel, lengths):
            return False
    return True


def _is_repeatable(member: Member, parallel: frozenset[int]) -> bool:
    """Return whether a member may write its target again in several steps."""
    target = member.target
    return parallel <= target.spans or not any(map(target.overlaps, member.accesses[1:]))


def _are_apart(one: Access, other: Access, parallel: frozenset[int], lengths: Lengths) -> bool:
    """Return whether elements of two accesses in different steps are different elements.

    So it is if all elements are numbered by digits, of which those for the parallel axes are equal
    in the same step: each stride exceeds what the smaller ones reach together.
    """
    if any(one.strides[axis] != other.strides[axis] for axis in parallel):
        return False
    digits = {one.strides[axis]: lengths[axis] for axis in parallel}
    if 0 in digits or len(digits) < len(parallel):
        return False
    free: dict[int, int] = {}
    for access in (one, other):
        for axis, stride in enumerate(access.strides):
            if axis not in parallel and stride:
                free[stride] = max(free.get(stride, 1), lengths[axis])
    if free.keys() & digits.keys():
        return False
    left = abs(one.address - other.address)
    reach = max(one.dtype.itemsize, other.dtype.itemsize) - 1
    for stride in sorted((*digits, *free), reverse=True):
        if stride in free:
            digit, left = divmod(left, stride)
            free[stride] += digit
    if left:
        return False
    for stride in sorted((*digits, *free)):
        if stride <= reach:
            return False
        reach += ((digits | free)[stride] - 1) * stride
    return True
