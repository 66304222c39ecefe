"""From the recorded calls of a batch to operations on the numbers of one sample.

Calls that only move elements, views and writes to parts of an array change what the builder's
memory holds, and leave no other trace; calls with constants alone are done already.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from declnet import Array, Dtype
from declnet_plugins.recording.cells import Cells, Layout
from declnet_plugins.recording.contractions import contract
from declnet_plugins.recording.program import (
    Assignment,
    Element,
    Expression,
    Term,
    assignments,
    has_assignments,
    require_only,
    without_repetition,
)
from declnet_plugins.recording.recording import RecordedArray, RecordedCall, Recording
from declnet_plugins.recording.sample_builder import SampleBuilder
from declnet_plugins.recording.sample_program import Operand, OperationKind, SampleProgram
from declnet_plugins.recording.symbols import NotRecordedError, NotTranslatedError

FLOAT, INTEGER, BOOLEAN = np.dtype(float), np.dtype(np.int64), np.dtype(bool)


class SampleRecording(Recording):
    """A recording of a batch, whose calls become operations on one sample when they are made.

    So an error about a call has the line of the component that makes it in its traceback.

    Args:
        count: the number of samples, at least 2.
        refuses: whether `if mask.any():` and `if not mask.all():` are taken as checks of rows,
            which end in an error; the recording continues as if all rows were right.
    """

    def __init__(self, count: int, *, refuses: bool = False) -> None:
        super().__init__()
        self._builder = SampleBuilder(count)
        self.calls = _TranslatedCalls(self._builder)
        self._refuses = refuses

    def call_ufunc(
        self, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """Call a ufunc, or take a test of all samples as a check of rows."""
        is_any = ufunc is np.logical_or
        if self._refuses and method == "reduce" and (is_any or ufunc is np.logical_and):
            mask = self._builder.cells(self.plain(inputs[0]))
            axes = _axes(kwargs.get("axis", 0), len(mask.shape))
            if mask.dtype == BOOLEAN and len(axes) == len(mask.shape) and not mask.are_constant:
                return _Check(self._builder, mask.moved(np.copy), is_any)
        return super().call_ufunc(ufunc, method, inputs, kwargs)

    def input(self, x: Array) -> RecordedArray:
        """Let an array (n, …) be the next input, and return a view that records."""
        self._builder.add_input(x)
        return self.array(x)

    def array(self, array: Array) -> RecordedArray:
        """Return a view of an array that records what is done with it, and remember its values."""
        self._builder.keep(array)
        return super().array(array)

    def program(self, results: Sequence[Any]) -> SampleProgram:
        """Return what leads from the inputs to results (n, …)."""
        arrays = [self.plain(result) for result in results]
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise NotRecordedError("returns something else than arrays")
        return self._builder.program(arrays)


class _Check:
    """Whether any of a mask is true, or all of it, which nothing but a condition may ask for."""

    def __init__(self, builder: SampleBuilder, mask: Cells, is_any: bool) -> None:
        self._builder, self._mask, self._is_any = builder, mask, is_any

    def __bool__(self) -> bool:
        """Return what it is for rows that are not refused."""
        mask = self._mask
        if not self._is_any:
            mask = self._builder.map("logical_not", [mask], [BOOLEAN], BOOLEAN)
        self._builder.refuse(mask)
        return not self._is_any


class _TranslatedCalls(list[RecordedCall]):
    """Calls that are translated instead of kept."""

    def __init__(self, builder: SampleBuilder) -> None:
        super().__init__()
        self._builder = builder

    def append(self, call: RecordedCall) -> None:
        """Translate a call, which has just been made."""
        translate(self._builder, call)


def translate(builder: SampleBuilder, call: RecordedCall) -> None:
    """Add what a call does that has just been made.

    Raises:
        NotRecordedError: it has no form for a single sample.
    """
    if call.generator is not None:
        raise NotRecordedError(f"draws random numbers ({call.name})")
    if _is_constant(builder, call):
        builder.assign(call.output, Cells.of_constant(call.output))
        return
    is_sum = call.method == "accumulate"
    add = _accumulate if is_sum else _FUNCTIONS.get(call.function)
    if add is None and not has_assignments(call):
        raise NotRecordedError(f"calls {call.name}, which has no form for a single sample")
    try:
        if add is not None:
            add(builder, call)
        else:
            for assignment in assignments(call):
                _assign(builder, assignment)
    except NotTranslatedError as error:
        raise NotRecordedError(str(error)) from error


def _is_constant(builder: SampleBuilder, call: RecordedCall) -> bool:
    """Return whether a call fills a whole array with what depends on no sample."""
    options = {name: value for name, value in call.kwargs.items() if name != "out"}
    fills = len(call.outputs) == 1 or call.kwargs.get("out") is not None
    arrays = _arrays((call.inputs, options))
    return (
        fills
        and call.kwargs.get("where", True) is True
        and all(builder.cells(array).are_constant for array in arrays)
    )


def _arrays(arguments: Any) -> Iterator[Array]:
    """Yield the arrays among arguments."""
    if isinstance(arguments, np.ndarray):
        yield arguments
    elif isinstance(arguments, tuple | list | dict):
        items = arguments.values() if isinstance(arguments, dict) else arguments
        for item in items:
            yield from _arrays(item)


def _assign(builder: SampleBuilder, assignment: Assignment) -> None:
    target, value, reduction = assignment.target, assignment.value, assignment.reduction
    if reduction is None:
        builder.assign(target, _cells(builder, value))
        return
    first = (0 if axis in assignment.axes else slice(None) for axis in range(target.ndim))
    output, factors = target[(*first, ...)], [*_factors(value)]
    if len(factors) > 1:
        contract(builder, factors, target.shape, output)
        return
    cells = _cells(builder, value).moved(lambda array: np.broadcast_to(array, target.shape))
    axes = sorted(assignment.axes)
    reduced = _along(builder, "reduce", reduction.__name__, cells, axes, target.dtype)
    builder.assign(output, reduced)


def _factors(term: Term) -> Iterator[Array]:
    """Yield the arrays whose product a term is, of any type; nothing if it is none."""
    if isinstance(term, np.ndarray):
        yield term
    elif isinstance(term, Expression) and term.function in (np.multiply, np.astype):
        for argument in term.arguments:
            yield from _factors(argument)


def _cells(builder: SampleBuilder, term: Term) -> Cells:
    """Return what a term is for each index, without axes along which it is the same."""
    if isinstance(term, Element):
        raise NotRecordedError("takes elements from places that depend on the data")
    if not isinstance(term, Expression):
        return builder.cells(without_repetition(term) if isinstance(term, np.ndarray) else term)
    inputs = [_cells(builder, argument) for argument in term.arguments]
    if term.function is np.astype:
        return builder.cast(inputs[0], term.dtype)
    if all(cells.are_constant for cells in inputs):
        with np.errstate(all="ignore"):
            result = term.function(*(cells.constants for cells in inputs))
        return Cells.of_constant(np.asarray(result, term.dtype))
    types = [argument.dtype for argument in term.arguments]
    return builder.map(term.function.__name__, inputs, types, term.dtype)


def _arg(builder: SampleBuilder, call: RecordedCall) -> None:
    require_only(call, "axis", "keepdims", "out")
    x, *rest = call.inputs
    axis = rest[0] if rest else call.kwargs.get("axis")
    cells = _along(builder, "reduce", call.function.__name__, builder.cells(x), axis, x.dtype)
    _assign_reduced(builder, call, call.output, cells, axis)


def _norm(builder: SampleBuilder, call: RecordedCall) -> None:
    """Translate np.linalg.norm along axes: the root of the sum of squares."""
    require_only(call, "axis", "keepdims")
    x, *rest = call.inputs
    axis, output = call.kwargs.get("axis"), call.output
    if rest[1:] or (rest and rest[0] is not None):
        raise NotRecordedError(f"calls {call.name} with another order than the usual one")
    if output.dtype != x.dtype:
        raise NotRecordedError(f"calls {call.name} with an array of {x.dtype}")
    squares = builder.map("square", [builder.cells(x)], [x.dtype], x.dtype)
    sums = _along(builder, "reduce", "add", squares, axis, x.dtype)
    _assign_reduced(builder, call, output, builder.map("sqrt", [sums], [x.dtype], x.dtype), axis)


def _assign_reduced(
    builder: SampleBuilder, call: RecordedCall, output: Array, cells: Cells, axis: Any
) -> None:
    """Let the output of a reduction hold cells, which lack the axes that it went along."""
    if call.kwargs.get("keepdims"):
        axes = _axes(axis, output.ndim)
        output = output[tuple(0 if at in axes else slice(None) for at in range(output.ndim))]
    builder.assign(output, cells)


def _accumulate(builder: SampleBuilder, call: RecordedCall) -> None:
    require_only(call, "axis", "dtype", "out")
    (x, *rest), output = call.inputs, call.output
    axis = rest[0] if rest else call.kwargs.get("axis", 0 if call.method else None)
    cells = builder.cells(x)
    if axis is None:
        cells, output, axis = cells.moved(np.ravel), output.reshape(-1), 0
    name = _SUMS.get(call.function) or call.function.__name__
    builder.assign(output, _along(builder, "accumulate", name, cells, axis, output.dtype))


def _along(
    builder: SampleBuilder, kind: OperationKind, name: str, cells: Cells, axis: Any, dtype: Dtype
) -> Cells:
    """Add an operation along some axes, and return what it gives, without axes of size 1."""
    axes, layout = _axes(axis, len(cells.shape)), builder.layout_of([cells], cells.shape)
    operand = builder.operand(cells, layout, dtype)
    sample_axes, shape = tuple(map(layout.sample_axis, axes)), operand.shape
    if kind == "reduce":
        shape = tuple(size for at, size in enumerate(shape) if at not in sample_axes)
        before = sum(at < layout.axis for at in axes)
        layout = Layout(layout.axis - before, layout.count, layout.length, layout.sample_first)
    result_dtype = INTEGER if name in ("argmax", "argmin") else dtype
    number = builder.add(kind, name, (operand,), shape, result_dtype, axes=sample_axes)
    return builder.value(layout, number)


def _axes(axis: Any, count: int) -> tuple[int, ...]:
    return tuple(range(count)) if axis is None else normalize_axis_tuple(axis, count)


def _search(builder: SampleBuilder, call: RecordedCall) -> None:
    require_only(call, "side")
    ordered, x, *rest = call.inputs
    side = rest[0] if rest else call.kwargs.get("side", "left")
    table, cells = builder.cells(ordered), builder.cells(x)
    if not table.are_constant or table.values.ndim != 1:
        raise NotRecordedError(f"calls {call.name} with numbers that are not constant")
    dtype = np.result_type(table.dtype, cells.dtype)
    builder.assign(call.outputs[0], _searched(builder, side, table.constants, cells, dtype))


def _searched(builder: SampleBuilder, side: str, table: Array, cells: Cells, dtype: Dtype) -> Cells:
    layout = builder.layout_of([cells], cells.shape)
    operand = builder.operand(cells, layout, dtype)
    constant = Operand(table.shape, None, table.astype(dtype))
    number = builder.add("search", side, (constant, operand), operand.shape, INTEGER)
    return builder.value(layout, number)


def _interpolate(builder: SampleBuilder, call: RecordedCall) -> None:
    """Translate np.interp: the line of the last point that is not above x."""
    require_only(call)
    x, *arrays = call.inputs
    if len(arrays) != 2 or not all(builder.cells(array).are_constant for array in arrays):
        raise NotRecordedError(f"calls {call.name} with points that are not constant")
    points, values = (builder.cells(array).constants.astype(float) for array in arrays)
    widths = np.diff(points)
    slopes = np.divide(np.diff(values), widths, out=np.zeros(len(widths)), where=widths > 0)

    def computed(name: str, *inputs: Cells) -> Cells:
        return builder.map(name, inputs, [FLOAT for _ in inputs], FLOAT)

    def end(at: int) -> Cells:
        return Cells.of_constant(points[at])

    cells = builder.cells(x)
    count = _searched(
        builder, "right", points, cells, FLOAT
    )  # below all, even if the first is double
    within = computed("minimum", computed("maximum", cells, end(0)), end(-1))
    at_last, first, slope = (
        _elements(builder, np.array([*before, *numbers, *after]), count, FLOAT)
        for before, numbers, after in (
            (points[:1], points, ()), (values[:1], values, ()), ([0], slopes, [0])
        )
    )  # fmt: skip
    change = computed("multiply", slope, computed("subtract", within, at_last))
    builder.assign(call.output, computed("add", change, first))


def _move(builder: SampleBuilder, call: RecordedCall) -> None:
    """Move elements as a function moves arrays; its other arguments are constant."""
    output, (first, *rest) = call.output, call.inputs
    options = {name: value for name, value in call.kwargs.items() if name != "out"}
    if isinstance(first, tuple | list):
        parts = [builder.cast(builder.cells(part), output.dtype).arrays for part in first]
        moved = (call.function(arrays, *rest, **options) for arrays in zip(*parts, strict=True))
        builder.assign(output, Cells(*moved))
        return
    constants = [_constant(builder, argument) for argument in rest]
    options = {name: _constant(builder, value) for name, value in options.items()}
    cells = builder.cells(first)
    builder.assign(output, cells.moved(lambda array: call.function(array, *constants, **options)))


def _constant(builder: SampleBuilder, value: Any) -> Any:
    """Return an argument that is not followed, such as an index."""
    if isinstance(value, tuple | list):
        return type(value)(_constant(builder, item) for item in value)
    if isinstance(value, np.ndarray):
        cells = builder.cells(value)
        if not cells.are_constant:
            raise NotRecordedError("moves elements to places that depend on the data")
        return cells.constants
    return value


def _take(builder: SampleBuilder, call: RecordedCall) -> None:
    """Translate np.take and indexing by an array."""
    source, index = call.inputs[:2]
    is_item = call.function is operator.getitem
    index = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if not isinstance(index, np.ndarray) or builder.cells(index).are_constant:
        _move(builder, call)
        return
    axis = 0 if is_item else call.kwargs.get("axis", *call.inputs[2:3])
    table, output = builder.cells(source), call.output
    if axis is None or not table.are_constant:
        raise NotRecordedError("takes elements from places that depend on the data")
    axis = normalize_axis_index(axis, source.ndim)
    rows = np.moveaxis(table.constants, axis, 0)
    places = range(axis, axis + index.ndim)
    elements = _elements(builder, rows, builder.cells(index), output.dtype)
    builder.assign(np.moveaxis(output, places, range(index.ndim)), elements)


def _elements(builder: SampleBuilder, rows: Array, places: Cells, dtype: Dtype) -> Cells:
    """Return rows of a constant array at places that depend on the sample."""
    layout = builder.layout_of([places], places.shape)
    operand = builder.operand(places, layout, INTEGER)
    table = Operand(rows.shape, None, rows.astype(dtype))
    shape = (*operand.shape, *rows.shape[1:])
    return builder.value(layout, builder.add("take", "", (table, operand), shape, dtype))


def _set_items(builder: SampleBuilder, call: RecordedCall) -> None:
    target, key, value = call.inputs
    cells, constant = builder.cells(target), _constant(builder, key)
    part = cells.moved(lambda array: array[constant])
    builder.assign(part, builder.cells(value))
    for array, of_part in zip(cells.arrays, part.arrays, strict=True):
        array[constant] = of_part


_SUMS = {np.cumsum: "add", np.cumprod: "multiply"}

_Translate = Callable[[SampleBuilder, RecordedCall], None]

_FUNCTIONS: dict[Any, _Translate] = {
    np.argmax: _arg,
    np.argmin: _arg,
    np.cumsum: _accumulate,
    np.cumprod: _accumulate,
    np.interp: _interpolate,
    np.linalg.norm: _norm,
    np.searchsorted: _search,
    np.take: _take,
    operator.getitem: _take,
    operator.setitem: _set_items,
    **dict.fromkeys((np.concatenate, np.repeat, np.tile, np.roll, np.take_along_axis), _move),
}
