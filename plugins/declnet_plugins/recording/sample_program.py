"""What a component computes for one sample, as operations on values that exporters can write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import prod
from typing import Literal

import numpy as np

from declnet import Array, Dtype, Shape

MOST_AXES = 4
"""The most axes of a value whose order is looked for."""

OperationKind = Literal["map", "reduce", "accumulate", "contract", "take", "search", "join"]


@dataclass(frozen=True, eq=False)
class Operand:
    """Numbers of a sample that an operation reads.

    Attributes:
        shape: the shape of the operand.
        value: the number of the value that holds them: inputs first, then results of operations;
            None if they are constant.
        constant: the numbers, if they are.
        places: where each of them is in the value, (*shape) of flat positions; None if they are all
            the value's numbers in their order.
    """

    shape: Shape
    value: int | None = None
    constant: Array | None = None
    places: Array | None = None

    @property
    def is_number(self) -> bool:
        """Whether it is a constant number."""
        return self.constant is not None and self.constant.size == 1

    def without_repetition(self) -> Operand:
        """Return it with axes of size 1 if it is one constant number again and again."""
        if self.constant is None or not self.constant.size:
            return self
        first = self.constant.ravel()[:1].reshape((1,) * len(self.shape))
        return Operand(first.shape, None, first) if (self.constant == first).all() else self

    def as_slices(self, shape: Shape) -> tuple[slice, ...] | None:
        """Return slices that select it from a value of this shape; None if no slices do."""
        if self.places is None or len(shape) != len(self.shape) or not self.places.size:
            return None
        slices = []
        for axis, size in enumerate(shape):
            line = np.moveaxis(self.places, axis, 0).reshape(self.shape[axis], -1)[:, 0]
            at = line // prod(shape[axis + 1 :]) % size
            step = int(at[1] - at[0]) if len(at) > 1 else 1
            if step < 1:
                return None
            slices.append(slice(int(at[0]), int(at[-1]) + 1, step))
        part = np.arange(prod(shape)).reshape(shape)[tuple(slices)]
        return tuple(slices) if np.array_equal(part, self.places) else None

    def as_permutation(self, shape: Shape) -> tuple[int, ...] | None:
        """Return the permutation of the axes of a value of this shape that gives it, or None."""
        if self.places is None or len(shape) > MOST_AXES or prod(shape) != self.places.size:
            return None
        places = np.arange(prod(shape)).reshape(shape)
        for order in permutations(range(len(shape))):
            moved = places.transpose(order)
            if moved.shape == self.shape and np.array_equal(moved, self.places):
                return order
        return None

    def is_like(self, other: Operand) -> bool:
        """Return whether it reads the same numbers."""
        return (self.shape, self.value) == (other.shape, other.value) and all(
            _are_equal(first, second)
            for first, second in ((self.constant, other.constant), (self.places, other.places))
        )


@dataclass(frozen=True, eq=False)
class Operation:
    """A step of a program, with one result.

    Attributes:
        kind: `map`: elementwise, by NumPy's rules of broadcasting. `reduce`, `accumulate`: along
            `axes`. `contract`: products, summed as `equation` says. `take`: rows of its first
            operand, a constant, at the positions in the second. `search`: the number of items of
            its first operand, which are constant and sorted, that are less than each number of the
            second (`name` left), or not greater (right). `join`: its operands, flat, one after
            another.
        name: of a NumPy function for `map`, `reduce`, `accumulate`: a ufunc's name, or `where`,
            `cast`, `argmax`, `argmin`.
        operands: what it reads, in the types in which NumPy computes but for `cast`.
        shape: the shape of the result.
        dtype: its type.
        axes: the axes of the only operand that a reduction goes along.
        equation: of a contraction, e.g. `ab,bc->ac`.
    """

    kind: OperationKind
    name: str
    operands: tuple[Operand, ...]
    shape: Shape
    dtype: Dtype
    axes: tuple[int, ...] = ()
    equation: str = ""

    @property
    def size(self) -> int:
        """How many numbers its result has."""
        return prod(self.shape)

    def is_like(self, other: Operation) -> bool:
        """Return whether it computes the same."""
        mine = (self.kind, self.name, self.shape, self.dtype, self.axes, self.equation)
        others = (other.kind, other.name, other.shape, other.dtype, other.axes, other.equation)
        return mine == others and _are_alike(self.operands, other.operands)


@dataclass(frozen=True, eq=False)
class SampleProgram:
    """What leads from the inputs of one sample to its results.

    Attributes:
        inputs: the shape and type of each input.
        operations: in an order in which they can be carried out.
        results: one for each array that the component returned or filled.
        types: the type of each result.
        refused: booleans, of which a sample has one that is true if the component refuses it.
    """

    inputs: tuple[tuple[Shape, Dtype], ...]
    operations: tuple[Operation, ...]
    results: tuple[Operand, ...]
    types: tuple[Dtype, ...]
    refused: tuple[Operand, ...] = ()

    def difference(self, other: SampleProgram) -> str | None:
        """Return what another program computes otherwise; None if it computes the same."""
        for mine, others in zip(self.operations, other.operations, strict=False):
            if not mine.is_like(others):
                return mine.name or mine.kind
        is_same = len(self.operations) == len(other.operations) and all(
            _are_alike(*pair)
            for pair in ((self.results, other.results), (self.refused, other.refused))
        )
        return None if is_same else ""

    def type_of(self, operand: Operand) -> Dtype:
        """Return the type of an operand."""
        if operand.value is None:
            return operand.constant.dtype  # type: ignore[union-attr]  # it is one or the other
        value, count = operand.value, len(self.inputs)
        return self.inputs[value][1] if value < count else self.operations[value - count].dtype

    def shape_of(self, value: int) -> Shape:
        """Return the shape of a value."""
        count = len(self.inputs)
        return self.inputs[value][0] if value < count else self.operations[value - count].shape

    def pruned(self) -> SampleProgram:
        """Return the program without operations whose results are not needed."""
        count = len(self.inputs)
        used: set[int | None] = {operand.value for operand in (*self.results, *self.refused)}
        for number in range(count + len(self.operations) - 1, count - 1, -1):
            if number in used:
                used |= {operand.value for operand in self.operations[number - count].operands}
        last = count + len(self.operations)
        remaining = [*range(count), *(number for number in range(count, last) if number in used)]
        renumbered: dict[int | None, int] = {old: new for new, old in enumerate(remaining)}

        def moved(operand: Operand) -> Operand:
            return replace(operand, value=renumbered.get(operand.value))

        operations = tuple(
            replace(operation, operands=tuple(map(moved, operation.operands)))
            for number, operation in enumerate(self.operations, start=count)
            if number in used
        )
        results, refused = (tuple(map(moved, part)) for part in (self.results, self.refused))
        return replace(self, operations=operations, results=results, refused=refused)


def _are_alike(first: Sequence[Operand], second: Sequence[Operand]) -> bool:
    return len(first) == len(second) and all(map(Operand.is_like, first, second))


def _are_equal(first: Array | None, second: Array | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=_has_nan(first))


def _has_nan(array: Array) -> bool:
    return array.dtype.kind in "fc"
