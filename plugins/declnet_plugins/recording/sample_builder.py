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

STEPS = 64
"""The longest loop over time that is recorded step by step."""

MOST_OPERATIONS = 40 * STEPS


class SampleBuilder:
    """The operations so far, and what each array holds.

    Args:
        count: the number of samples of the batch, at least 2.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._inputs: list[tuple[Shape, Dtype]] = []
        self._operations: list[Operation] = []
        self._refused: list[Operand] = []
        self._blocks: dict[int, Block] = {}

    def keep(self, array: Array) -> None:
        """Remember what an array holds before the calls that may overwrite it."""
        self._block_of(array)

    def add_input(self, x: Array) -> None:
        """Let an array (n, …) be the next input, before any operation."""
        self._inputs.append((x.shape[1:], x.dtype))
        self.cells(x).fill(self.value(Layout(0, self.count), len(self._inputs) - 1))

    def program(self, results: Sequence[Array]) -> SampleProgram:
        """Return what leads from the inputs to some arrays (n, …).

        Raises:
            NotRecordedError: an array does not have a sample in each row.
        """
        layout, operands = Layout(0, self.count), []
        for array in results:
            cells = self.cells(array)
            if array.shape[:1] != (self.count,) or (
                not cells.are_constant and Layout.of(cells.samples, self.count) != layout
            ):
                raise NotRecordedError("returns an array whose first axis is not the samples")
            operands.append(self.operand(cells, layout, array.dtype))
        types = tuple(array.dtype for array in results)
        inputs, operations = tuple(self._inputs), tuple(self._operations)
        refused = tuple(self._refused)
        return SampleProgram(inputs, operations, tuple(operands), types, refused).pruned()

    def refuse(self, cells: Cells) -> None:
        """Let samples be refused that have something true in an array of booleans (n, …)."""
        layout = self.layout_of([cells], cells.shape)
        self._refused.append(self.operand(cells, layout, np.dtype(bool)))

    def cells(self, value: Any) -> Cells:
        """Return the cells of an array, which are filled in place, or of a number."""
        if isinstance(value, np.ndarray):
            return self._block_of(value).cells(value)
        if isinstance(value, int | float | bool | np.generic):
            return Cells.of_constant(np.asarray(value))
        raise NotRecordedError("gives NumPy something else than arrays and numbers")

    def layout_of(self, cells_of_all: Sequence[Cells], shape: Shape) -> Layout:
        """Return the layout of samples in arrays that are broadcast to a shape."""
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
        numbered = np.arange(self.count).reshape(-1, *(1 for _ in by_sample.shape[1:]))
        is_value = by_sample.values >= 0
        if ((by_sample.samples != numbered) & is_value).any():
            raise NotRecordedError(MIXES)
        one = by_sample.moved(lambda array: array[0])
        same = (by_sample.values == one.values) & (by_sample.places == one.places)
        first, others = one.constants, by_sample.constants
        equal = np.equal(first, others) | (_is_nan(first) & _is_nan(others))
        if not (same & (equal | is_value)).all():
            raise NotRecordedError(
                "uses values that were not recorded, or does something else for each sample"
            )
        operand = self._read(one)
        if operand.constant is not None:
            return Operand(operand.shape, None, operand.constant.astype(dtype))
        if self.type_of(operand) == dtype:
            return operand
        return Operand(operand.shape, self.add("map", "cast", (operand,), operand.shape, dtype))

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
        if len(self._operations) == MOST_OPERATIONS:
            raise NotRecordedError(
                f"makes more than {MOST_OPERATIONS} operations for a sample, as a loop over more "
                f"than {STEPS} steps does"
            )
        self._operations.append(Operation(kind, name, operands, shape, dtype, **more))
        return len(self._inputs) + len(self._operations) - 1

    def map(
        self, name: str, inputs: Sequence[Cells], dtypes: Sequence[Dtype], dtype: Dtype
    ) -> Cells:
        """Add an elementwise operation, and return what it gives; an input is not constant."""
        shape = np.broadcast_shapes(*(cells.shape for cells in inputs))
        padded = [cells.padded(len(shape)) for cells in inputs]
        layout = self.layout_of(padded, shape)
        operands = tuple(
            self.operand(cells, layout, kind).without_repetition()
            for cells, kind in zip(padded, dtypes, strict=True)
        )
        sample_shape = layout.by_sample(np.empty(shape, bool)).shape[1:]
        return self.value(layout, self.add("map", name, operands, sample_shape, dtype))

    def cast(self, cells: Cells, dtype: Dtype) -> Cells:
        """Return cells in another type."""
        if cells.dtype == dtype:
            return cells
        if cells.are_constant:
            return Cells.of_constant(cells.constants.astype(dtype))
        return self.map("cast", [cells], [cells.dtype], dtype)

    def assign(self, output: Array | Cells, source: Cells) -> None:
        """Let an array hold what a source of this shape, or broadcast to it, holds."""
        target = output if isinstance(output, Cells) else self.cells(output)
        target.fill(self.cast(source, target.dtype))

    def value(self, layout: Layout, number: int) -> Cells:
        """Return the cells of an array that holds a value of each sample."""
        (shape, dtype), count = self._known(number), self.count
        places = np.broadcast_to(np.arange(prod(shape)).reshape(shape), (count, *shape))
        samples = np.arange(count).reshape(-1, *(1 for _ in shape))
        samples = np.broadcast_to(samples, (count, *shape))
        places, samples = layout.joined(places), layout.joined(samples)
        return Cells(np.full(places.shape, number), places, samples, np.zeros(places.shape, dtype))

    def type_of(self, operand: Operand) -> Dtype:
        """Return the type of an operand."""
        if operand.value is None:
            return operand.constant.dtype  # type: ignore[union-attr]  # it is one or the other
        return self._known(operand.value)[1]

    def _known(self, value: int) -> tuple[Shape, Dtype]:
        """Return the shape and type of a value."""
        if value < len(self._inputs):
            return self._inputs[value]
        operation = self._operations[value - len(self._inputs)]
        return operation.shape, operation.dtype

    def _block_of(self, array: Array) -> Block:
        owner, base = array, array.base
        while base is not None:  # also of what `as_strided` puts in between
            owner = base if isinstance(base, np.ndarray) else owner
            base = getattr(base, "base", None)
        owner = owner.view(np.ndarray)
        address = byte_bounds(owner)[0]
        if address not in self._blocks:
            self._blocks[address] = Block(owner)
        return self._blocks[address]

    def _read(self, cells: Cells) -> Operand:
        """Return the operand of the cells of one sample; several values become one."""
        numbers = np.unique(cells.values)
        if not numbers.size or numbers[-1] < 0:
            return Operand(cells.shape, None, cells.constants.copy())
        value, places = int(numbers[0]), cells.places.copy()
        if len(numbers) > 1:
            value = self._joined(cells, numbers, places)
        size = prod(self._known(value)[0])
        in_order = np.array_equal(places.ravel(), np.arange(size))
        return Operand(cells.shape, value, None, None if in_order else places)

    def _joined(self, cells: Cells, numbers: Array, places: Array) -> int:
        """Add an operation that joins values and constants; return it, with the places in it."""
        start, parts = 0, []
        for number in numbers[numbers >= 0].tolist():
            size = prod(self._known(number)[0])
            parts.append(Operand((size,), number))
            places[cells.values == number] += start
            start += size
        constants = cells.constants[cells.values < 0]
        if constants.size:
            parts.append(Operand(constants.shape, None, constants))
            places[cells.values < 0] = start + np.arange(constants.size)
        size = start + constants.size
        return self.add("join", "", tuple(parts), (size,), cells.dtype)


def _is_nan(array: Array) -> Array:
    """Return where an array of any type is NaN."""
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)
