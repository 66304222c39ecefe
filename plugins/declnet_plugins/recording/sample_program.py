"""What a component computes for one sample, as operations on values that exporters can write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

    def as_slices(self, shape: Shape) -> tuple[slice, ...] | None:
        """Return the part of a value of this shape that it is; None if it is no regular part."""
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
        """Return the order of the axes of a value of this shape that it is; None for others."""
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
    """

    inputs: tuple[tuple[Shape, Dtype], ...]
    operations: tuple[Operation, ...]
    results: tuple[Operand, ...]
    types: tuple[Dtype, ...]

    def is_like(self, other: SampleProgram) -> bool:
        """Return whether it computes the same."""
        return (
            len(self.operations) == len(other.operations)
            and all(map(Operation.is_like, self.operations, other.operations))
            and _are_alike(self.results, other.results)
        )

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
        used = {operand.value for operand in self.results}
        for number in range(count + len(self.operations) - 1, count - 1, -1):
            if number in used:
                used |= {operand.value for operand in self.operations[number - count].operands}
        remaining = [number for number in range(count + len(self.operations)) if number in used]
        inputs = [*range(count)]
        renumbered = {
            old: new for new, old in enumerate([*inputs, *(n for n in remaining if n >= count)])
        }

        def moved(operand: Operand) -> Operand:
            if operand.value is None:
                return operand
            return Operand(operand.shape, renumbered[operand.value], None, operand.places)

        operations = tuple(
            Operation(
                operation.kind,
                operation.name,
                tuple(map(moved, operation.operands)),
                operation.shape,
                operation.dtype,
                operation.axes,
                operation.equation,
            )
            for number, operation in enumerate(self.operations, start=count)
            if number in used
        )
        return SampleProgram(self.inputs, operations, tuple(map(moved, self.results)), self.types)


def _are_alike(first: Sequence[Operand], second: Sequence[Operand]) -> bool:
    return len(first) == len(second) and all(map(Operand.is_like, first, second))


def _are_equal(first: Array | None, second: Array | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=_has_nan(first))


def _has_nan(array: Array) -> bool:
    return array.dtype.kind in "fc"
