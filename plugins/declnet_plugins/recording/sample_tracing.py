"""From the recording of a batch to what is computed for one sample.

Every element of the memory that the recorded calls use is followed: the value that it holds, its
place in that value, and its sample. Calls that only move elements, views and writes to parts of an
array leave no trace but there; all others become operations on the numbers of a sample.
"""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds, normalize_axis_index, normalize_axis_tuple
from numpy.lib.stride_tricks import as_strided

from declnet import Array, Dtype, Shape
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.sample_program import Operand, Operation, SampleProgram
from declnet_plugins.recording.symbols import NotRecordedError

MIXES = "computes with several samples at once"


@dataclass(frozen=True, eq=False)
class Cells:
    """What the elements of an array hold; arrays of its shape.

    Attributes:
        values: the numbers of the values; -1 for constants.
        places: flat positions in them.
        samples: the samples, from 0; -1 for constants.
        constants: the constants; anything elsewhere.
    """

    values: Array
    places: Array
    samples: Array
    constants: Array

    @classmethod
    def of_constant(cls, array: Array) -> Cells:
        """Return the cells of constants."""
        nothing = np.full(array.shape, -1)
        return cls(nothing, nothing, nothing, array)

    def moved(self, move: Callable[[Array], Array]) -> Cells:
        """Return cells elsewhere."""
        return Cells(*map(move, (self.values, self.places, self.samples, self.constants)))

    def fill(self, other: Cells) -> None:
        """Replace the cells by others, which are broadcast to their shape."""
        for target, source in zip(self._arrays, other._arrays, strict=True):
            target[...] = source

    @property
    def _arrays(self) -> tuple[Array, ...]:
        return self.values, self.places, self.samples, self.constants

    @property
    def shape(self) -> Shape:
        """The shape of the array."""
        return self.values.shape

    @property
    def dtype(self) -> Dtype:
        """The type of the array."""
        return self.constants.dtype

    @property
    def are_constant(self) -> bool:
        """Whether all elements are constants."""
        return bool((self.values < 0).all())


@dataclass(frozen=True)
class Layout:
    """How the samples of a batch lie in an array: along one axis, alone or with another one.

    Attributes:
        axis: the axis.
        count: the number of samples.
        length: the number of elements of a sample along the axis.
        sample_first: whether those of a sample are neighbors.
    """

    axis: int
    count: int
    length: int = 1
    sample_first: bool = True

    @classmethod
    def of(cls, samples: Array, count: int) -> Layout:
        """Return the layout of elements whose samples are known, or -1.

        Raises:
            NotRecordedError: samples do not lie along one axis.
        """
        for axis, size in enumerate(samples.shape):
            length = size // count
            if length * count != size:
                continue
            lines = np.moveaxis(samples, axis, 0).reshape(size, -1)
            for sample_first in (True, False):
                positions = np.arange(size)
                expected = positions // length if sample_first else positions % count
                if ((lines == expected[:, None]) | (lines < 0)).all():
                    return cls(axis, count, length, sample_first)
        raise NotRecordedError(MIXES)

    def by_sample(self, array: Array) -> Array:
        """Return (samples, *shape of a sample) of an array, which may be broadcast along the axis."""
        size, kept = array.shape[self.axis], () if self.length == 1 else (self.length,)
        if size == 1:
            one = array if kept else np.squeeze(array, self.axis)
            return np.broadcast_to(one, (self.count, *one.shape))
        pair = (self.count, self.length) if self.sample_first else (self.length, self.count)
        split = array.reshape(*array.shape[: self.axis], *pair, *array.shape[self.axis + 1 :])
        moved = np.moveaxis(split, self.axis + (not self.sample_first), 0)
        return moved if kept else np.squeeze(moved, self.axis + 1)

    def joined(self, array: Array) -> Array:
        """Return the array, given (samples, *shape of a sample)."""
        if self.length == 1:
            return np.moveaxis(array, 0, self.axis)
        moved = np.moveaxis(array, 0, self.axis + (not self.sample_first))
        shape = moved.shape
        size = self.count * self.length
        return moved.reshape(*shape[: self.axis], size, *shape[self.axis + 2 :])

    def sample_axis(self, axis: int) -> int:
        """Return the axis of a sample that is an axis of the array.

        Raises:
            NotRecordedError: it is that of the samples.
        """
        if axis == self.axis:
            raise NotRecordedError(MIXES)
        return axis - (axis > self.axis and self.length == 1)


class _Block:
    """Memory that one array owns, with the cells of its elements."""

    def __init__(self, owner: Array, contents: Array) -> None:
        self.low, high = byte_bounds(owner)
        self.itemsize, count = owner.itemsize, (high - self.low) // owner.itemsize
        flat = np.zeros(count, owner.dtype)
        self._flat = Cells.of_constant(flat).moved(np.copy)
        self.owner = owner  # so that nothing else gets this memory
        self.cells(owner).constants[...] = contents

    def cells(self, view: Array) -> Cells:
        """Return the cells of a view, which are filled in place.

        Raises:
            NotRecordedError: it has elements of another size.
        """
        if view.itemsize != self.itemsize:
            raise NotRecordedError("reads the bytes of an array as another type")
        if not view.size:
            return Cells.of_constant(view)
        start = (view.__array_interface__["data"][0] - self.low) // self.itemsize

        def viewed(flat: Array) -> Array:
            strides = [stride // self.itemsize * flat.itemsize for stride in view.strides]
            return as_strided(flat[start:], view.shape, strides)

        return self._flat.moved(viewed)


class SampleTracing:
    """The translation of recorded calls, one after another.

    Args:
        count: the number of samples of the batch, at least 2.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._inputs: list[tuple[Shape, Dtype]] = []
        self._operations: list[Operation] = []
        self._blocks: dict[int, _Block] = {}

    def keep(self, array: Array) -> None:
        """Remember what an array holds before the calls that may overwrite it."""
        self._block_of(array)

    def add_input(self, x: Array) -> None:
        """Let an array (n, …) be the next input."""
        layout, shape = Layout(0, self._count), x.shape[1:]
        self._inputs.append((shape, x.dtype))
        self._store(x, layout, len(self._inputs) - 1, shape)

    def program(
        self, calls: Sequence[RecordedCall], results: Sequence[Array]
    ) -> SampleProgram:
        """Return what leads from the inputs to some arrays (n, …).

        Raises:
            NotRecordedError: a call has no form for a single sample.
        """
        for call in calls:
            self._translate(call)
        operands = []
        for array in results:
            cells = self._cells(array)
            layout = Layout(0, self._count)
            if not cells.are_constant and Layout.of(cells.samples, self._count) != layout:
                raise NotRecordedError("returns samples along another axis than the first")
            operands.append(self._operand(cells, layout, array.dtype))
        types = tuple(array.dtype for array in results)
        operations = tuple(self._operations)
        return SampleProgram(tuple(self._inputs), operations, tuple(operands), types).pruned()

    def _block_of(self, array: Array) -> _Block:
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        owner = owner.view(np.ndarray)
        address = byte_bounds(owner)[0]
        if address not in self._blocks:
            self._blocks[address] = _Block(owner, owner)
        return self._blocks[address]

    def _cells(self, value: Any) -> Cells:
        if isinstance(value, np.ndarray):
            return self._block_of(value).cells(value)
        if isinstance(value, int | float | bool | np.generic):
            return Cells.of_constant(np.asarray(value))
        raise NotRecordedError("gives NumPy something else than arrays and numbers")

    def _translate(self, call: RecordedCall) -> None:
        if call.generator is not None:
            raise NotRecordedError(f"draws random numbers ({call.name})")
        if isinstance(call.function, np.ufunc):
            translate = _METHODS.get(call.method)
            if translate is not None and call.function.signature is not None:
                translate = SampleTracing._matrices
        else:
            translate = _FUNCTIONS.get(call.function)
        if translate is None:
            raise NotRecordedError(f"calls {call.name}, which has no form for a single sample")
        translate(self, call)

    # -- operations

    def _map(self, call: RecordedCall) -> None:
        ufunc, outputs = call.function, call.outputs
        if len(outputs) != 1:
            raise NotRecordedError(f"calls {call.name}, which returns several arrays")
        _require_only(call, "where", "dtype", "casting")
        types = *map(_type_of, call.inputs), None
        options: dict[str, Any] = {"casting": call.kwargs.get("casting", "same_kind")}
        if call.kwargs.get("dtype") is not None:
            options["signature"] = (*[None] * ufunc.nin, np.dtype(call.kwargs["dtype"]))
        *dtypes, dtype = ufunc.resolve_dtypes(types, **options)
        inputs = [*map(self._cells, call.inputs)]
        self._compute(ufunc, ufunc.__name__, inputs, dtypes, dtype, outputs[0], call.kwargs)

    def _compute(
        self,
        function: Callable[..., Any],
        name: str,
        inputs: Sequence[Cells],
        dtypes: Sequence[Dtype],
        dtype: Dtype,
        output: Array,
        kwargs: Any,
    ) -> None:
        """Add an elementwise operation, or compute it if all of its operands are constant."""
        target, mask = self._cells(output), kwargs.get("where", True)
        if all(cells.are_constant for cells in inputs) and mask is True:
            constants = (
                cells.constants.astype(kind) for cells, kind in zip(inputs, dtypes, strict=True)
            )
            with np.errstate(all="ignore"):
                target.fill(Cells.of_constant(np.asarray(function(*constants))))
            return
        shape = output.shape
        padded = [_padded(cells, len(shape)) for cells in inputs]
        layout = self._common(padded, shape)
        operands = tuple(
            self._operand(cells, layout, kind) for cells, kind in zip(padded, dtypes, strict=True)
        )
        sample_shape = layout.by_sample(np.empty(shape, bool)).shape[1:]
        number = self._add("map", name, operands, sample_shape, dtype)
        if mask is not True:
            result = self._cells_of(layout, number, sample_shape, dtype)
            self._select(self._cells(mask), result, target, output)
        else:
            self._store(output, layout, number, sample_shape)

    def _select(self, mask: Cells, true: Cells, false: Cells, output: Array) -> None:
        kinds = (np.dtype(bool), output.dtype, output.dtype)
        self._compute(
            np.where, "where", (mask, true, false.moved(np.copy)), kinds, output.dtype, output, {}
        )

    def _where(self, call: RecordedCall) -> None:
        (output,) = call.outputs
        self._select(*map(self._cells, call.inputs), output)

    def _copy(self, call: RecordedCall) -> None:
        output, source = call.inputs
        mask = call.kwargs.get("where")
        if mask is not None:
            self._select(self._cells(mask), self._cells(source), self._cells(output), output)
        else:
            self._assign(self._cells(output), self._cells(source).moved(np.copy))

    def _assign(self, target: Cells, source: Cells) -> None:
        """Copy cells, converted to the type of the target."""
        if not source.are_constant and source.dtype != target.dtype:
            output = np.empty(source.shape, target.dtype)
            self._compute(
                lambda x: x, "cast", [source], [source.dtype], target.dtype, output, {}
            )
            source = self._cells(output)
        target.fill(source)

    def _reduce(self, call: RecordedCall) -> None:
        _require_only(call, "axis", "keepdims", "dtype", "where")
        (x, *rest), (output,), ufunc = call.inputs, call.outputs, call.function
        if call.kwargs.get("where", True) is not True or rest[1:]:
            raise NotRecordedError(f"calls {call.name} with where=")
        axis = rest[0] if rest else call.kwargs.get("axis", 0)
        dtype = ufunc.resolve_dtypes((output.dtype, x.dtype, None), reduction=True)[1]
        self._along(call, "reduce", ufunc.__name__, x, axis, dtype, output)

    def _accumulate(self, call: RecordedCall) -> None:
        _require_only(call, "axis", "dtype", "out")
        (x, *rest), output = call.inputs, call.kwargs.get("out", *call.outputs)
        axis = rest[0] if rest else call.kwargs.get("axis", 0)
        if axis is None:
            x, output, axis = x.reshape(-1), output.reshape(-1), 0
        name = getattr(call.function, "__name__", "add")
        self._along(call, "accumulate", _SUMS.get(name, name), x, axis, output.dtype, output)

    def _arg(self, call: RecordedCall) -> None:
        _require_only(call, "axis", "keepdims", "out")
        (x, *rest), output = call.inputs, call.kwargs.get("out", *call.outputs)
        axis = rest[0] if rest else call.kwargs.get("axis")
        self._along(call, "reduce", call.function.__name__, x, axis, x.dtype, output)

    def _along(
        self,
        call: RecordedCall,
        kind: Any,
        name: str,
        x: Array,
        axis: Any,
        dtype: Dtype,
        output: Array,
    ) -> None:
        """Add an operation along some axes."""
        cells = self._cells(x)
        axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
        if kind == "reduce" and output.ndim == x.ndim and call.kwargs.get("keepdims"):
            output = output[tuple(0 if at in axes else slice(None) for at in range(x.ndim))]
        if cells.are_constant:
            constants = cells.constants.astype(dtype)
            compute = getattr(call.function, call.method, None) or call.function
            result = compute(constants, axis=axis if axis is None or kind != "reduce" else axes)
            self._cells(output).fill(Cells.of_constant(result))
            return
        layout = self._common([cells], x.shape)
        operand = self._operand(cells, layout, dtype)
        sample_axes = tuple(map(layout.sample_axis, axes))
        result_dtype = np.dtype(np.int64) if name in ("argmax", "argmin") else dtype
        shape = operand.shape
        if kind == "reduce":
            shape = tuple(n for at, n in enumerate(shape) if at not in sample_axes)
            before = sum(at < layout.axis for at in axes)
            layout = Layout(
                layout.axis - before, layout.count, layout.length, layout.sample_first
            )
        number = self._add(kind, name, (operand,), shape, result_dtype, axes=sample_axes)
        self._store(output, layout, number, shape)

    def _matrices(self, call: RecordedCall) -> None:
        """Translate a call of np.matmul and its like, by the letters of their axes."""
        _require_only(call, "dtype", "casting")
        (output,) = call.outputs
        arrays = [*call.inputs, output]
        cores = call.function.signature.replace("->", ",").replace("(", "").split("),")
        names = [core.strip(")").split(",") if core.strip(")") else [] for core in cores]
        missing = {
            name
            for array, core in zip(call.inputs, names, strict=False)
            for name in core
            if name.endswith("?") and array.ndim < len(core)
        }
        labels = []
        for array, core in zip(arrays, names, strict=True):
            present = [name.rstrip("?") for name in core if name not in missing]
            outer = array.ndim - len(present)
            labels.append([*(f"{outer - at}" for at in range(outer)), *present])
        self._contract(call.inputs, labels, output)

    def _dot(self, call: RecordedCall) -> None:
        _require_only(call, "out")
        a, b = call.inputs[:2]
        output = call.kwargs.get("out", *call.outputs)
        if a.ndim == 0 or b.ndim == 0:
            raise NotRecordedError("calls np.dot with a number")
        last = max(0, b.ndim - 2) if call.function is np.dot else b.ndim - 1
        first = [*(f"a{at}" for at in range(a.ndim - 1)), "k"]
        second = ["k" if at == last else f"b{at}" for at in range(b.ndim)]
        result = [name for name in (*first, *second) if name != "k"]
        self._contract((a, b), [first, second, result], output)

    def _einsum(self, call: RecordedCall) -> None:
        _require_only(call, "out", "optimize")
        output = call.kwargs.get("out", *call.outputs)
        if isinstance(call.inputs[0], str):
            words, *arrays = call.inputs
            labels = _labels(words, (*arrays, output))
        else:
            arrays = [*call.inputs[:-1:2]]
            labels = [[*map(str, axes)] for axes in (*call.inputs[1:-1:2], call.inputs[-1])]
            if len(call.inputs) % 2 == 0:
                raise NotRecordedError("calls np.einsum without the axes of its result")
        self._contract(arrays, labels, output)

    def _contract(
        self, arrays: Sequence[Array], labels: Sequence[list[str]], output: Array
    ) -> None:
        """Add a sum of products, given the letter of each axis of the operands and the result."""
        sizes: dict[str, int] = {}
        for array, names in zip((*arrays, output), labels, strict=True):
            for name, size in zip(names, array.shape, strict=True):
                sizes[name] = max(sizes.get(name, 1), size)
        operands, layouts, described = [], set(), []
        cells_of_all = [*map(self._cells, arrays)]
        for cells, names in zip(cells_of_all, labels, strict=False):
            broadcast = [sizes[n] > 1 == size for n, size in zip(names, cells.shape, strict=True)]
            key = tuple(0 if one else slice(None) for one in broadcast)
            described.append(
                (
                    cells.moved(lambda array, key=key: array[(*key, ...)]),
                    [n for n, one in zip(names, broadcast, strict=True) if not one],
                )
            )
        for cells, names in described:
            if not cells.are_constant:
                layout = self._common([cells], cells.shape)
                layouts.add((names[layout.axis], layout.length, layout.sample_first))
        *inputs, result = labels
        if not layouts:
            letters = dict(zip(sizes, string.ascii_letters, strict=False))
            words = ",".join("".join(letters[n] for n in names) for _, names in described)
            words += "->" + "".join(letters[n] for n in result)
            constants = [cells.constants for cells, _ in described]
            self._cells(output).fill(Cells.of_constant(np.einsum(words, *constants)))
            return
        if len(layouts) > 1:
            raise NotRecordedError(MIXES)
        ((along, length, sample_first),) = layouts
        if along not in result:
            raise NotRecordedError(MIXES)
        used: list[list[str]] = []
        for cells, names in described:
            if along in names:
                layout = Layout(names.index(along), self._count, length, sample_first)
                operands.append(self._operand(cells, layout, output.dtype))
                names = [n for n in names if n != along or length > 1]
            else:
                operands.append(Operand(cells.shape, None, cells.constants.astype(output.dtype)))
            used.append(names)
        remaining = [n for n in result if n != along or length > 1]
        letters = dict(zip(sizes, string.ascii_letters, strict=False))
        words = ",".join("".join(letters[n] for n in names) for names in used)
        words += "->" + "".join(letters[n] for n in remaining)
        shape = tuple(sizes[n] if n != along else length for n in remaining)
        number = self._add("contract", "", tuple(operands), shape, output.dtype, equation=words)
        layout = Layout(result.index(along), self._count, length, sample_first)
        self._store(output, layout, number, shape)

    def _search(self, call: RecordedCall) -> None:
        _require_only(call, "side")
        ordered, x, *rest = call.inputs
        (output,) = call.outputs
        table, cells = self._cells(ordered), self._cells(x)
        side = rest[0] if rest else call.kwargs.get("side", "left")
        if not table.are_constant or table.values.ndim != 1:
            raise NotRecordedError("calls np.searchsorted with numbers that are not constant")
        if cells.are_constant:
            found = np.searchsorted(table.constants, cells.constants, side)
            self._cells(output).fill(Cells.of_constant(found))
            return
        layout = self._common([cells], x.shape)
        dtype = np.result_type(table.dtype, cells.dtype)
        operand = self._operand(cells, layout, dtype)
        constant = Operand(table.shape, None, table.constants.astype(dtype))
        kind = np.dtype(np.int64)
        number = self._add("search", side, (constant, operand), operand.shape, kind)
        self._store(output, layout, number, operand.shape)

    # -- movements

    def _move(self, call: RecordedCall) -> None:
        """Move elements as a function moves arrays; its other arguments are constant."""
        output = call.kwargs.get("out", *call.outputs)
        options = {name: value for name, value in call.kwargs.items() if name != "out"}
        first, *rest = call.inputs
        if isinstance(first, tuple | list):
            parts = [*map(self._cells, first)]
            results = [
                call.function([getattr(cells, name) for cells in parts], *rest, **options)
                for name in ("values", "places", "samples", "constants")
            ]
            source = Cells(*results)
            if any(cells.dtype != output.dtype for cells in parts):
                raise NotRecordedError(f"calls {call.name} with arrays of several types")
        else:
            constants = [*map(self._constant, rest)]
            options = {name: self._constant(value) for name, value in options.items()}
            cells = self._cells(first)
            source = cells.moved(lambda array: call.function(array, *constants, **options))
        self._assign(self._cells(output), source)

    def _constant(self, value: Any) -> Any:
        """Return an argument that is not followed, such as an index."""
        if isinstance(value, tuple | list):
            return type(value)(map(self._constant, value))
        if isinstance(value, np.ndarray):
            cells = self._cells(value)
            if not cells.are_constant:
                raise NotRecordedError("moves elements to places that depend on the data")
            return cells.constants
        return value

    def _take(self, call: RecordedCall) -> None:
        """Translate np.take and indexing by an array."""
        source, index = call.inputs[:2]
        is_item = call.function is operator.getitem
        index = index[0] if isinstance(index, tuple) and len(index) == 1 else index
        if not isinstance(index, np.ndarray) or self._cells(index).are_constant:
            self._move(call)
            return
        output = call.kwargs.get("out", *call.outputs)
        axis = 0 if is_item else call.kwargs.get("axis", *call.inputs[2:3])
        table, cells = self._cells(source), self._cells(index)
        if axis is None or not table.are_constant:
            raise NotRecordedError("takes elements from places that depend on the data")
        axis = normalize_axis_index(axis, source.ndim)
        rows = np.moveaxis(table.constants, axis, 0)
        places = range(axis, axis + index.ndim)
        layout = self._common([cells], index.shape)
        operand = self._operand(cells, layout, np.dtype(np.int64))
        shape = (*operand.shape, *rows.shape[1:])
        operands = (Operand(rows.shape, None, rows.astype(output.dtype)), operand)
        number = self._add("take", "", operands, shape, output.dtype)
        self._store(np.moveaxis(output, places, range(index.ndim)), layout, number, shape)

    def _set_items(self, call: RecordedCall) -> None:
        target, key, value = call.inputs
        cells, constant = self._cells(target), self._constant(key)
        part = cells.moved(lambda array: array[constant])
        source = self._cells(value).moved(lambda array: np.broadcast_to(array, part.shape))
        self._assign(part, source.moved(np.copy))
        for array, of_part in zip(cells._arrays, part._arrays, strict=True):
            array[constant] = of_part

    # -- the numbers of a sample

    def _common(self, cells_of_all: Sequence[Cells], shape: Shape) -> Layout:
        """Return how samples lie in arrays that are broadcast to a shape."""
        samples = np.full(shape, -1)
        for cells in cells_of_all:
            of_cells = np.broadcast_to(cells.samples, shape)
            if ((of_cells >= 0) & (samples >= 0) & (of_cells != samples)).any():
                raise NotRecordedError(MIXES)
            samples = np.maximum(samples, of_cells)
        return Layout.of(samples, self._count)

    def _operand(self, cells: Cells, layout: Layout, dtype: Dtype) -> Operand:
        """Return what a sample reads of an array, in a type."""
        by_sample = cells.moved(layout.by_sample)
        numbers, samples = by_sample.values, by_sample.samples
        numbered = np.arange(self._count).reshape(-1, *(1 for _ in numbers.shape[1:]))
        is_value = numbers >= 0
        if ((samples != numbered) & is_value).any():
            raise NotRecordedError(MIXES)
        one = by_sample.moved(lambda array: array[0])
        same = (by_sample.values == one.values) & (by_sample.places == one.places)
        first, others = one.constants, by_sample.constants
        equal = (others == first) | ((others != others) & (first != first))
        if not (same & (equal | is_value)).all():
            raise NotRecordedError("does something else for each sample of a batch")
        return self._cast(self._read(one), dtype)

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
            value = self._add("join", "", tuple(parts), (start,), cells.dtype)
        in_order = np.array_equal(places.ravel(), np.arange(self._size_of(value)))
        return Operand(cells.shape, value, None, None if in_order else places)

    def _size_of(self, value: int) -> int:
        count = len(self._inputs)
        shape = self._inputs[value][0] if value < count else self._operations[value - count].shape
        return prod(shape)

    def _cast(self, operand: Operand, dtype: Dtype) -> Operand:
        if operand.constant is not None:
            return Operand(operand.shape, None, operand.constant.astype(dtype))
        assert operand.value is not None  # noqa: S101  # it is no constant
        count = len(self._inputs)
        value = operand.value
        held = self._inputs[value][1] if value < count else self._operations[value - count].dtype
        if held == dtype:
            return operand
        number = self._add("map", "cast", (operand,), operand.shape, dtype)
        return Operand(operand.shape, number)

    def _add(
        self, kind: Any, name: str, operands: tuple[Operand, ...], shape: Shape, dtype: Dtype,
        **more: Any,
    ) -> int:
        """Add an operation; return the number of its value."""
        self._operations.append(Operation(kind, name, operands, shape, dtype, **more))
        return len(self._inputs) + len(self._operations) - 1

    def _cells_of(self, layout: Layout, number: int, shape: Shape, dtype: Dtype) -> Cells:
        """Return the cells of an array that holds a value of each sample."""
        count = self._count
        places = np.broadcast_to(np.arange(prod(shape)).reshape(shape), (count, *shape))
        samples = np.arange(count).reshape(-1, *(1 for _ in shape))
        samples = np.broadcast_to(samples, (count, *shape))
        places, samples = layout.joined(places), layout.joined(samples)
        return Cells(np.full(places.shape, number), places, samples, np.zeros(places.shape, dtype))

    def _store(self, output: Array, layout: Layout, number: int, shape: Shape) -> None:
        """Let an array hold a value of each sample."""
        count = len(self._inputs)
        dtype = (
            self._inputs[number][1] if number < count else self._operations[number - count].dtype
        )
        if dtype != output.dtype:
            operand = Operand(shape, number)
            number = self._add("map", "cast", (operand,), shape, output.dtype)
        self._cells(output).fill(self._cells_of(layout, number, shape, output.dtype))


def _labels(words: str, arrays: Sequence[Array]) -> list[list[str]]:
    """Return the names of the axes of np.einsum's operands and result."""
    if "->" not in words:
        raise NotRecordedError("calls np.einsum without the axes of its result")
    labels = []
    for part, array in zip(words.replace(" ", "").replace("->", ",").split(","), arrays, strict=True):
        before, dots, after = part.partition("...")
        outer = array.ndim - len(before) - len(after) if dots else 0
        labels.append([*before, *(f"{outer - at}" for at in range(outer)), *after])
    return labels


def _padded(cells: Cells, axes: int) -> Cells:
    """Return cells with axes of size 1 before the others."""
    return cells.moved(lambda array: array.reshape((1,) * (axes - array.ndim) + array.shape))


def _type_of(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype
    return type(value) if type(value) in (int, float) else np.asarray(value).dtype


def _require_only(call: RecordedCall, *names: str) -> None:
    others = {
        name for name, value in call.kwargs.items() if name not in names and value is not None
    }
    if others:
        raise NotRecordedError(f"calls {call.name} with {', '.join(sorted(others))}=")


_SUMS = {"cumsum": "add", "cumprod": "multiply"}

_Translate = Callable[[SampleTracing, RecordedCall], None]

_METHODS: dict[str, _Translate] = {
    "__call__": SampleTracing._map,
    "reduce": SampleTracing._reduce,
    "accumulate": SampleTracing._accumulate,
}

_FUNCTIONS: dict[Any, _Translate] = {
    np.copyto: SampleTracing._copy,
    np.where: SampleTracing._where,
    np.argmax: SampleTracing._arg,
    np.argmin: SampleTracing._arg,
    np.cumsum: SampleTracing._accumulate,
    np.cumprod: SampleTracing._accumulate,
    np.einsum: SampleTracing._einsum,
    np.dot: SampleTracing._dot,
    np.inner: SampleTracing._dot,
    np.searchsorted: SampleTracing._search,
    np.take: SampleTracing._take,
    operator.getitem: SampleTracing._take,
    operator.setitem: SampleTracing._set_items,
    **dict.fromkeys(
        (np.concatenate, np.repeat, np.tile, np.roll, np.take_along_axis), SampleTracing._move
    ),
}
