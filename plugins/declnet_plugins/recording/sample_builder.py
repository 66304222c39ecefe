"""The operations of a program for one sample while they are added, and what the memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import Array, Dtype, Shape
from declnet_plugins.recording.cells import MIXES, Block, Cells, Layout
from declnet_plugins.recording.sample_program import (
    Operand,
    Operation,
    OperationKind,
    SampleProgram,
)
from declnet_plugins.recording.symbols import NotRecordedError


class SampleBuilder:
    """The operations so far, and what each array holds.

    Args:
        count: the number of samples of the batch, at least 2.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._inputs: list[tuple[Shape, Dtype]] = []
        self._operations: list[Operation] = []
        self._blocks: dict[int, Block] = {}

    def keep(self, array: Array) -> None:
        """Remember what an array holds before the calls that may overwrite it."""
        self._block_of(array)

    def add_input(self, x: Array) -> None:
        """Let an array (n, …) be the next input."""
        layout, shape = Layout(0, self.count), x.shape[1:]
        self._inputs.append((shape, x.dtype))
        self.store(x, layout, len(self._inputs) - 1, shape)

    def program(self, results: Sequence[Array]) -> SampleProgram:
        """Return what leads from the inputs to some arrays (n, …).

        Raises:
            NotRecordedError: an array does not have a sample in each row.
        """
        layout, operands = Layout(0, self.count), []
        for array in results:
            cells = self.cells(array)
            if not cells.are_constant and Layout.of(cells.samples, self.count) != layout:
                raise NotRecordedError("returns samples along another axis than the first")
            operands.append(self.operand(cells, layout, array.dtype))
        types = tuple(array.dtype for array in results)
        operations = tuple(self._operations)
        return SampleProgram(tuple(self._inputs), operations, tuple(operands), types).pruned()

    def cells(self, value: Any) -> Cells:
        """Return what the elements of an array, or a number, hold; those of an array are filled."""
        if isinstance(value, np.ndarray):
            return self._block_of(value).cells(value)
        if isinstance(value, int | float | bool | np.generic):
            return Cells.of_constant(np.asarray(value))
        raise NotRecordedError("gives NumPy something else than arrays and numbers")

    def layout_of(self, cells_of_all: Sequence[Cells], shape: Shape) -> Layout:
        """Return how samples lie in arrays that are broadcast to a shape."""
        samples = np.full(shape, -1)
        for cells in cells_of_all:
            of_cells = np.broadcast_to(cells.samples, shape)
            if ((of_cells >= 0) & (samples >= 0) & (of_cells != samples)).any():
                raise NotRecordedError(MIXES)
            samples = np.maximum(samples, of_cells)
        return Layout.of(samples, self.count)

    def operand(self, cells: Cells, layout: Layout, dtype: Dtype) -> Operand:
        """Return what a sample reads of an array, in a type."""
        by_sample = cells.moved(layout.by_sample)
        numbers, samples = by_sample.values, by_sample.samples
        numbered = np.arange(self.count).reshape(-1, *(1 for _ in numbers.shape[1:]))
        is_value = numbers >= 0
        if ((samples != numbered) & is_value).any():
            raise NotRecordedError(MIXES)
        one = by_sample.moved(lambda array: array[0])
        same = (by_sample.values == one.values) & (by_sample.places == one.places)
        first, others = one.constants, by_sample.constants
        are_nan = np.isnan(first) if first.dtype.kind == "f" else np.zeros(first.shape, bool)
        equal = (others == first) | (are_nan & (np.isnan(others) if are_nan.any() else False))
        if not (same & (equal | is_value)).all():
            raise NotRecordedError("does something else for each sample of a batch")
        return self._cast(self._read(one), dtype)

    def add(
        self,
        kind: OperationKind,
        name: str,
        operands: tuple[Operand, ...],
        shape: Shape,
        dtype: Dtype,
        **more: Any,
    ) -> int:
        """Add an operation; return the number of its value."""
        self._operations.append(Operation(kind, name, operands, shape, dtype, **more))
        return len(self._inputs) + len(self._operations) - 1

    def store(self, output: Array, layout: Layout, number: int, shape: Shape) -> None:
        """Let an array hold a value of each sample."""
        if self._type_of(number) != output.dtype:
            operand = Operand(shape, number)
            number = self.add("map", "cast", (operand,), shape, output.dtype)
        self.cells(output).fill(self.cells_of(layout, number, shape, output.dtype))

    def cells_of(self, layout: Layout, number: int, shape: Shape, dtype: Dtype) -> Cells:
        """Return the cells of an array that holds a value of each sample."""
        count = self.count
        places = np.broadcast_to(np.arange(prod(shape)).reshape(shape), (count, *shape))
        samples = np.arange(count).reshape(-1, *(1 for _ in shape))
        samples = np.broadcast_to(samples, (count, *shape))
        places, samples = layout.joined(places), layout.joined(samples)
        return Cells(np.full(places.shape, number), places, samples, np.zeros(places.shape, dtype))

    def _block_of(self, array: Array) -> Block:
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        owner = owner.view(np.ndarray)
        address = byte_bounds(owner)[0]
        if address not in self._blocks:
            self._blocks[address] = Block(owner, owner)
        return self._blocks[address]

    def _read(self, cells: Cells) -> Operand:
        """Return the operand of the cells of one sample; several values become one."""
        numbers = np.unique(cells.values)
        if not numbers.size or numbers[-1] < 0:
            return Operand(cells.shape, None, cells.constants.copy())
        if len(numbers) == 1:
            value, places = int(numbers[0]), cells.places.copy()
        else:
            constants = cells.constants[cells.values < 0]
            places, start, parts = cells.places.copy(), 0, []
            for number in numbers[numbers >= 0]:
                size = self._size_of(number)
                parts.append(Operand((size,), int(number)))
                places[cells.values == number] += start
                start += size
            if constants.size:
                parts.append(Operand(constants.shape, None, constants.copy()))
                places[cells.values < 0] = start + np.arange(constants.size)
                start += constants.size
            value = self.add("join", "", tuple(parts), (start,), cells.dtype)
        in_order = np.array_equal(places.ravel(), np.arange(self._size_of(value)))
        return Operand(cells.shape, value, None, None if in_order else places)

    def _size_of(self, value: int) -> int:
        count = len(self._inputs)
        return prod(
            self._inputs[value][0] if value < count else self._operations[value - count].shape
        )

    def _type_of(self, value: int) -> Dtype:
        count = len(self._inputs)
        return self._inputs[value][1] if value < count else self._operations[value - count].dtype

    def _cast(self, operand: Operand, dtype: Dtype) -> Operand:
        if operand.constant is not None:
            return Operand(operand.shape, None, operand.constant.astype(dtype))
        assert operand.value is not None  # noqa: S101  # it is no constant
        if self._type_of(operand.value) == dtype:
            return operand
        number = self.add("map", "cast", (operand,), operand.shape, dtype)
        return Operand(operand.shape, number)
