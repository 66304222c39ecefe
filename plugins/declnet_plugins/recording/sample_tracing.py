"""From the recorded calls of a batch to operations on the numbers of one sample.

Calls that only move elements, views and writes to parts of an array change what the builder's
memory holds, and leave no trace else; all others become operations.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from declnet import Array, Dtype
from declnet_plugins.recording.cells import Cells, Layout
from declnet_plugins.recording.contractions import dot, einsum, matrix_product
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.sample_builder import SampleBuilder
from declnet_plugins.recording.sample_program import Operand
from declnet_plugins.recording.symbols import NotRecordedError


def translate(builder: SampleBuilder, call: RecordedCall) -> None:
    """Add what a call does.

    Raises:
        NotRecordedError: it has no form for a single sample.
    """
    if call.generator is not None:
        raise NotRecordedError(f"draws random numbers ({call.name})")
    if isinstance(call.function, np.ufunc):
        add = _METHODS.get(call.method)
        if add is not None and call.function.signature is not None:
            add = matrix_product
    else:
        add = _FUNCTIONS.get(call.function)
    if add is None:
        raise NotRecordedError(f"calls {call.name}, which has no form for a single sample")
    add(builder, call)


def _map(builder: SampleBuilder, call: RecordedCall) -> None:
    ufunc, outputs = call.function, call.outputs
    if len(outputs) != 1:
        raise NotRecordedError(f"calls {call.name}, which returns several arrays")
    call.require_only("where", "dtype", "casting", "subok", "order")
    types = *map(_type_of, call.inputs), None
    options: dict[str, Any] = {"casting": call.kwargs.get("casting", "same_kind")}
    if call.kwargs.get("dtype") is not None:
        options["signature"] = (*[None] * ufunc.nin, np.dtype(call.kwargs["dtype"]))
    *dtypes, dtype = ufunc.resolve_dtypes(types, **options)
    inputs = [*map(builder.cells, call.inputs)]
    _compute(builder, ufunc, ufunc.__name__, inputs, dtypes, dtype, outputs[0], call.kwargs)


def _compute(
    builder: SampleBuilder,
    function: Callable[..., Any],
    name: str,
    inputs: Sequence[Cells],
    dtypes: Sequence[Dtype],
    dtype: Dtype,
    output: Array,
    kwargs: Any,
) -> None:
    """Add an elementwise operation, or compute it if all of its operands are constant."""
    target, mask = builder.cells(output), kwargs.get("where", True)
    if all(cells.are_constant for cells in inputs) and mask is True:
        constants = (
            cells.constants.astype(kind) for cells, kind in zip(inputs, dtypes, strict=True)
        )
        with np.errstate(all="ignore"):
            target.fill(Cells.of_constant(np.asarray(function(*constants))))
        return
    shape = output.shape
    padded = [_padded(cells, len(shape)) for cells in inputs]
    layout = builder.layout_of(padded, shape)
    operands = tuple(
        builder.operand(cells, layout, kind) for cells, kind in zip(padded, dtypes, strict=True)
    )
    sample_shape = layout.by_sample(np.empty(shape, bool)).shape[1:]
    number = builder.add("map", name, operands, sample_shape, dtype)
    if mask is not True:
        result = builder.cells_of(layout, number, sample_shape, dtype)
        _select(builder, builder.cells(mask), result, target, output)
    else:
        builder.store(output, layout, number, sample_shape)


def _select(builder: SampleBuilder, mask: Cells, true: Cells, false: Cells, output: Array) -> None:
    kinds = (np.dtype(bool), output.dtype, output.dtype)
    _compute(
        builder,
        np.where,
        "where",
        (mask, true, false.moved(np.copy)),
        kinds,
        output.dtype,
        output,
        {},
    )


def _where(builder: SampleBuilder, call: RecordedCall) -> None:
    (output,) = call.outputs
    mask, true, false = map(builder.cells, call.inputs)
    _select(builder, mask, true, false, output)


def _copy(builder: SampleBuilder, call: RecordedCall) -> None:
    output, source = call.inputs
    mask = call.kwargs.get("where")
    if mask is not None:
        _select(builder, builder.cells(mask), builder.cells(source), builder.cells(output), output)
    else:
        _assign(builder, builder.cells(output), builder.cells(source).moved(np.copy))


def _assign(builder: SampleBuilder, target: Cells, source: Cells) -> None:
    """Copy cells, converted to the type of the target."""
    if not source.are_constant and source.dtype != target.dtype:
        output = np.empty(source.shape, target.dtype)
        _compute(builder, lambda x: x, "cast", [source], [source.dtype], target.dtype, output, {})
        source = builder.cells(output)
    target.fill(source)


def _reduce(builder: SampleBuilder, call: RecordedCall) -> None:
    call.require_only("axis", "keepdims", "dtype", "where")
    (x, *rest), (output,), ufunc = call.inputs, call.outputs, call.function
    if call.kwargs.get("where", True) is not True or rest[1:]:
        raise NotRecordedError(f"calls {call.name} with where=")
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    dtype = ufunc.resolve_dtypes((output.dtype, x.dtype, None), reduction=True)[1]
    _along(builder, call, "reduce", ufunc.__name__, x, axis, dtype, output)


def _accumulate(builder: SampleBuilder, call: RecordedCall) -> None:
    call.require_only("axis", "dtype", "out")
    (x, *rest), output = call.inputs, call.output
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    if axis is None:
        x, output, axis = x.reshape(-1), output.reshape(-1), 0
    name = getattr(call.function, "__name__", "add")
    _along(builder, call, "accumulate", _SUMS.get(name, name), x, axis, output.dtype, output)


def _arg(builder: SampleBuilder, call: RecordedCall) -> None:
    call.require_only("axis", "keepdims", "out")
    (x, *rest), output = call.inputs, call.output
    axis = rest[0] if rest else call.kwargs.get("axis")
    _along(builder, call, "reduce", call.function.__name__, x, axis, x.dtype, output)


def _along(
    builder: SampleBuilder,
    call: RecordedCall,
    kind: Any,
    name: str,
    x: Array,
    axis: Any,
    dtype: Dtype,
    output: Array,
) -> None:
    """Add an operation along some axes."""
    cells = builder.cells(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if kind == "reduce" and output.ndim == x.ndim and call.kwargs.get("keepdims"):
        output = output[tuple(0 if at in axes else slice(None) for at in range(x.ndim))]
    if cells.are_constant:
        constants = cells.constants.astype(dtype)
        compute = getattr(call.function, call.method, None) or call.function
        result = compute(constants, axis=axis if axis is None or kind != "reduce" else axes)
        builder.cells(output).fill(Cells.of_constant(result))
        return
    layout = builder.layout_of([cells], x.shape)
    operand = builder.operand(cells, layout, dtype)
    sample_axes = tuple(map(layout.sample_axis, axes))
    result_dtype = np.dtype(np.int64) if name in ("argmax", "argmin") else dtype
    shape = operand.shape
    if kind == "reduce":
        shape = tuple(n for at, n in enumerate(shape) if at not in sample_axes)
        before = sum(at < layout.axis for at in axes)
        layout = Layout(layout.axis - before, layout.count, layout.length, layout.sample_first)
    number = builder.add(kind, name, (operand,), shape, result_dtype, axes=sample_axes)
    builder.store(output, layout, number, shape)


def _search(builder: SampleBuilder, call: RecordedCall) -> None:
    call.require_only("side")
    ordered, x, *rest = call.inputs
    (output,) = call.outputs
    table, cells = builder.cells(ordered), builder.cells(x)
    side = rest[0] if rest else call.kwargs.get("side", "left")
    if not table.are_constant or table.values.ndim != 1:
        raise NotRecordedError("calls np.searchsorted with numbers that are not constant")
    if cells.are_constant:
        found = np.searchsorted(table.constants, cells.constants, side)
        builder.cells(output).fill(Cells.of_constant(found))
        return
    layout = builder.layout_of([cells], x.shape)
    dtype = np.result_type(table.dtype, cells.dtype)
    operand = builder.operand(cells, layout, dtype)
    constant = Operand(table.shape, None, table.constants.astype(dtype))
    kind = np.dtype(np.int64)
    number = builder.add("search", side, (constant, operand), operand.shape, kind)
    builder.store(output, layout, number, operand.shape)


def _move(builder: SampleBuilder, call: RecordedCall) -> None:
    """Move elements as a function moves arrays; its other arguments are constant."""
    output = call.output
    options = {name: value for name, value in call.kwargs.items() if name != "out"}
    first, *rest = call.inputs
    if isinstance(first, tuple | list):
        parts = [*map(builder.cells, first)]
        results = [
            call.function([getattr(cells, name) for cells in parts], *rest, **options)
            for name in ("values", "places", "samples", "constants")
        ]
        source = Cells(*results)
        if any(cells.dtype != output.dtype for cells in parts):
            raise NotRecordedError(f"calls {call.name} with arrays of several types")
    else:
        constants = [*(_constant(builder, argument) for argument in rest)]
        options = {name: _constant(builder, value) for name, value in options.items()}
        cells = builder.cells(first)
        source = cells.moved(lambda array: call.function(array, *constants, **options))
    _assign(builder, builder.cells(output), source)


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
    output = call.output
    axis = 0 if is_item else call.kwargs.get("axis", *call.inputs[2:3])
    table, cells = builder.cells(source), builder.cells(index)
    if axis is None or not table.are_constant:
        raise NotRecordedError("takes elements from places that depend on the data")
    axis = normalize_axis_index(axis, source.ndim)
    rows = np.moveaxis(table.constants, axis, 0)
    places = range(axis, axis + index.ndim)
    layout = builder.layout_of([cells], index.shape)
    operand = builder.operand(cells, layout, np.dtype(np.int64))
    shape = (*operand.shape, *rows.shape[1:])
    operands = (Operand(rows.shape, None, rows.astype(output.dtype)), operand)
    number = builder.add("take", "", operands, shape, output.dtype)
    builder.store(np.moveaxis(output, places, range(index.ndim)), layout, number, shape)


def _set_items(builder: SampleBuilder, call: RecordedCall) -> None:
    target, key, value = call.inputs
    cells, constant = builder.cells(target), _constant(builder, key)
    part = cells.moved(lambda array: array[constant])
    source = builder.cells(value).moved(lambda array: np.broadcast_to(array, part.shape))
    _assign(builder, part, source.moved(np.copy))
    for array, of_part in zip(cells.arrays, part.arrays, strict=True):
        array[constant] = of_part


def _padded(cells: Cells, axes: int) -> Cells:
    """Return cells with axes of size 1 before the others."""
    return cells.moved(lambda array: array.reshape((1,) * (axes - array.ndim) + array.shape))


def _type_of(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype
    return type(value) if type(value) in (int, float) else np.asarray(value).dtype


_SUMS = {"cumsum": "add", "cumprod": "multiply"}

_Translate = Callable[[SampleBuilder, RecordedCall], None]

_METHODS: dict[str, _Translate] = {
    "__call__": _map,
    "reduce": _reduce,
    "accumulate": _accumulate,
}

_FUNCTIONS: dict[Any, _Translate] = {
    np.copyto: _copy,
    np.where: _where,
    np.argmax: _arg,
    np.argmin: _arg,
    np.cumsum: _accumulate,
    np.cumprod: _accumulate,
    np.einsum: einsum,
    np.dot: dot,
    np.inner: dot,
    np.searchsorted: _search,
    np.take: _take,
    operator.getitem: _take,
    operator.setitem: _set_items,
    **dict.fromkeys((np.concatenate, np.repeat, np.tile, np.roll, np.take_along_axis), _move),
}
