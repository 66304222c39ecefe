"""The translation of recorded NumPy calls to loops, with the same results to the bit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from declnet import Array, Dtype
from declnet_plugins.jit.replay import inner_loops
from declnet_plugins.jit.replay.einsum import einsum
from declnet_plugins.jit.replay.loop_list import (
    LoopList,
    NotLoweredError,
    nest,
    require_loop,
    require_only,
)
from declnet_plugins.jit.replay.loops import Loop
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.symbols import Symbol


def lowered(call: RecordedCall, einsums: bool = True) -> list[Loop]:
    """Return the loops that do what a recorded call did, on the same arrays.

    Args:
        einsums: whether to also translate np.einsum, whose order of sums depends on how NumPy was
            compiled.

    Raises:
        NotLoweredError: it cannot be translated.
    """
    loops = LoopList()
    if call.generator is not None:
        raise NotLoweredError("draws random numbers")
    if isinstance(call.function, np.ufunc):
        translate = _METHODS.get(call.method, _refuse)
    elif call.function is np.einsum and einsums:
        translate = einsum
    else:
        translate = _FUNCTIONS.get(call.function, _refuse)
    try:
        translate(loops, call)
    except (TypeError, ValueError, LookupError) as error:  # arguments of unusual kinds
        raise NotLoweredError(f"calls {call.name} in an unusual way") from error
    return loops.loops


def _refuse(_: LoopList, call: RecordedCall) -> None:
    raise NotLoweredError(f"calls {call.name}")


def _resolved(call: RecordedCall) -> tuple[Dtype, ...]:
    """Return the types for which a ufunc computes, by NumPy's rules of promotion."""
    ufunc = call.function
    types = *map(_type_of, call.inputs), *[None] * ufunc.nout
    casting, dtype = call.kwargs.get("casting", "same_kind"), call.kwargs.get("dtype")
    options: dict[str, Any] = {}
    if dtype is not None:
        options["signature"] = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    resolved: tuple[Dtype, ...] = ufunc.resolve_dtypes(types, casting=casting, **options)
    return resolved


def _type_of(value: Any) -> Any:
    if isinstance(value, Symbol):
        return type(value.value)
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype
    return type(value) if type(value) in (int, float) else np.asarray(value).dtype


def _elementwise(loops: LoopList, call: RecordedCall) -> None:
    """Lower a ufunc's call."""
    if call.function.signature is not None:
        _of_matrices(loops, call)
        return
    require_only(call, "dtype", "where")
    dtypes = _resolved(call)
    function = require_loop(call.function, dtypes)
    count, mask = len(call.inputs), call.kwargs.get("where", True)
    targets = _targets(call.outputs, dtypes[count:], apart=mask is not True)
    pairs = zip(call.inputs, dtypes, strict=False)
    inputs = [loops.apart(loops.converted(input_, dtype), targets) for input_, dtype in pairs]
    loops.add(function, [*inputs, *targets], outputs=len(targets))
    for target, output in zip(targets, call.outputs, strict=True):
        if mask is True:
            loops.convert(target, output)
        else:
            _select(loops, mask, loops.converted(target, output.dtype), output, output)


def _targets(
    outputs: Sequence[Array], dtypes: Sequence[Dtype], *, apart: bool = False
) -> list[Array]:
    """Return where a loop writes: to the outputs, or to others, if of other types or `apart`."""
    pairs = zip(outputs, dtypes, strict=True)
    return [
        output if output.dtype == kind and not apart else np.empty_like(output, kind)
        for output, kind in pairs
    ]


def _reduction(loops: LoopList, call: RecordedCall) -> None:
    """Lower ufunc.reduce: the start value, then a loop in which the output is also an input."""
    require_only(call, "axis", "keepdims", "dtype", "where")
    (x, *rest), (output,), ufunc = call.inputs, call.outputs, call.function
    if call.kwargs.get("where", True) is not True or not isinstance(x, np.ndarray) or rest[1:]:
        raise NotLoweredError(f"calls {call.name} with where=, or in another unusual way")
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    dtypes = ufunc.resolve_dtypes((output.dtype, x.dtype, None), reduction=True)
    dtype = call.kwargs.get("dtype")
    if output.dtype != dtypes[0] or (dtype is not None and np.dtype(dtype) != dtypes[0]):
        raise NotLoweredError(f"calls {call.name} of {x.dtype} for a result of {output.dtype}")
    function = require_loop(ufunc, dtypes)
    x = loops.converted(x, dtypes[1])
    if np.may_share_memory(x, output):
        x = loops.copied(x)
    first = tuple(0 if index in axes else slice(None) for index in range(x.ndim))
    if output.ndim == x.ndim and call.kwargs.get("keepdims"):
        output = output[(*first, ...)]
    if ufunc.identity is None:
        if not x.size:
            return
        loops.convert(x[(*first, ...)], output)
    else:
        loops.convert(np.array(ufunc.identity, output.dtype), output)
    remaining = iter(range(output.ndim))
    of_output = [-1 if index in axes else next(remaining) for index in range(x.ndim)]
    loops.add(function, [output, x], [of_output, list(range(x.ndim))], order=(0, 1, 0))


def _of_matrices(loops: LoopList, call: RecordedCall) -> None:
    """Lower a call of a ufunc of matrices and vectors, such as np.matmul."""
    require_only(call, "axis")
    ufunc, (output,) = call.function, call.outputs
    dtypes = _resolved(call)
    function = require_loop(ufunc, dtypes)
    (target,) = _targets([output], dtypes[-1:])
    pairs = zip(call.inputs, dtypes, strict=False)
    inputs = [loops.apart(loops.converted(input_, kind), []) for input_, kind in pairs]
    inputs = [
        loops.copied(input_) if np.may_share_memory(input_, target) else input_ for input_ in inputs
    ]
    if "axis" in call.kwargs:
        axis = call.kwargs["axis"]
        inputs = [
            np.moveaxis(input_, normalize_axis_index(axis, input_.ndim), -1) for input_ in inputs
        ]
    arrays, names = [*inputs, target], _core_names(ufunc.signature)
    missing: set[str] = set()
    zeros: Any = (0, 0)
    for array, core in zip(inputs, names, strict=False):
        if array.ndim < len(core):
            missing |= {name for name in core if name.endswith("?")}
    if any(array.size == 0 for array in arrays):
        raise NotLoweredError(f"calls {call.name} on an empty array")
    sizes, core_strides, outer = dict[str, int](), list[int](), list[Array]()
    for array, core in zip(arrays, names, strict=True):
        present = [name for name in core if name not in missing]
        axes = range(array.ndim - len(present), array.ndim)
        steps = {name: array.strides[i] for name, i in zip(present, axes, strict=True)}
        sizes |= {name: array.shape[i] for name, i in zip(present, axes, strict=True)}
        core_strides += [steps.get(name, 0) for name in core]
        outer.append(array[(..., *zeros[: len(present)])])
    shape, addresses, strides = nest(outer, None, {len(inputs)})
    order = dict.fromkeys(name for core in names for name in core)
    loops.loops.append(
        Loop(
            function,
            tuple(addresses),
            tuple(array.itemsize for array in arrays),
            1,
            shape,
            tuple(strides),
            tuple(sizes.get(name, 1) for name in order),
            tuple(core_strides),
            keeps=tuple(arrays),
        )
    )
    loops.convert(target, output)


def _core_names(signature: str) -> list[list[str]]:
    """Return the names of the axes of a signature such as (n?,k),(k,m?)->(n?,m?)."""
    return [re.findall(r"[^,\s]+", axes) for axes in re.findall(r"\(([^)]*)\)", signature)]


def _scalar(loops: LoopList, call: RecordedCall) -> None:
    """Lower an operation on numbers, in float64 as in Python."""
    kind, ufunc = np.dtype(np.float64), call.function
    operands = [*(loops.converted(input_, kind) for input_ in call.inputs), *call.outputs]
    if ufunc is not np.power:
        loops.add(require_loop(ufunc, [kind] * len(operands)), operands)
        return
    loops.add(inner_loops.power(), operands)


def _copy(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.copyto."""
    require_only(call, "where")
    target, values = call.inputs
    if not isinstance(values, np.ndarray):
        values = np.array(values).astype(target.dtype)
    values = _broadcast(loops.apart(values, [target]), target.shape)
    mask = call.kwargs.get("where")
    if mask is None:
        loops.convert(values, target)
    else:
        _select(loops, mask, loops.converted(values, target.dtype), target, target)


def _broadcast(array: Array, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(array, shape)
    except ValueError as error:
        raise NotLoweredError("copies an array with more axes than its target") from error


def _where(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.where."""
    require_only(call)
    (mask, *values), (output,) = call.inputs, call.outputs
    a, b = (loops.converted(value, output.dtype) for value in values)
    _select(loops, mask, a, b, output)


def _select(loops: LoopList, mask: Any, a: Array, b: Array, output: Array) -> None:
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise NotLoweredError(f"selects elements of {output.dtype} by {mask!r:.20}")
    loops.add(inner_loops.selection(output.itemsize), [loops.apart(mask, [output]), a, b, output])


def _concatenation(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.concatenate."""
    require_only(call, "axis")
    (arrays, *rest), (output,) = call.inputs, call.outputs or (None,)
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    if output is None or axis is None or not all(isinstance(a, np.ndarray) for a in arrays):
        raise NotLoweredError("calls np.concatenate with out= or without an axis")
    along, start = np.moveaxis(output, axis, 0), 0
    for array in arrays:
        length = array.shape[axis]
        loops.convert(np.moveaxis(array, axis, 0), along[start : start + length])
        start += length


def _take(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.take along an axis with mode="clip", which raises no error."""
    require_only(call, "axis", "out", "mode")
    output, (source, index) = call.kwargs.get("out", *call.outputs), call.inputs
    axis, mode = call.kwargs.get("axis"), call.kwargs.get("mode")
    if mode != "clip" or axis is None or source.dtype != output.dtype:
        raise NotLoweredError('calls np.take without an axis or without mode="clip"')
    axis, places = normalize_axis_index(axis, source.ndim), index.ndim
    if np.may_share_memory(source, output):
        raise NotLoweredError("calls np.take with an output that is also an input")
    first = source[(*[slice(None)] * axis, 0, ...)]
    before, after = range(axis), range(axis, source.ndim - 1)
    axes = [
        [*(-1 for _ in before), *range(places), *(-1 for _ in after)],
        [*before, *(-1 for _ in range(places)), *after],
        list(range(output.ndim)),
    ]
    inner = inner_loops.taking(source.itemsize, source.shape[axis], source.strides[axis])
    indices = loops.apart(loops.converted(index, np.dtype(np.int64)), [output])
    loops.add(inner, [indices, first, output], axes)


def _arg_of_extreme(loops: LoopList, call: RecordedCall) -> None:
    """Lower np.argmax or np.argmin along an axis."""
    require_only(call, "axis", "out", "keepdims")
    (x, *rest), output = call.inputs, call.kwargs.get("out", *call.outputs)
    axis = rest[0] if rest else call.kwargs.get("axis")
    if axis is None or rest[1:] or output.dtype != np.int64:
        raise NotLoweredError(f"calls {call.name} without an axis, or for another type")
    axis = normalize_axis_index(axis, x.ndim)
    if call.kwargs.get("keepdims"):
        output = np.squeeze(output, axis)
    if np.may_share_memory(x, output):
        raise NotLoweredError(f"calls {call.name} with an output that is also an input")
    first = x[(*[slice(None)] * axis, 0, ...)]
    greatest = call.function is np.argmax
    inner = inner_loops.arg_of_extreme(x.dtype, x.shape[axis], x.strides[axis], greatest)
    axes = [list(range(output.ndim))] * 2  # of which the loop sees only the first elements
    loops.add(inner, [first, output], axes)


_METHODS: dict[str, Callable[[LoopList, RecordedCall], None]] = {
    "__call__": _elementwise,
    "reduce": _reduction,
    "scalar": _scalar,
}

_FUNCTIONS: dict[Any, Callable[[LoopList, RecordedCall], None]] = {
    np.copyto: _copy,
    np.where: _where,
    np.concatenate: _concatenation,
    np.take: _take,
    np.argmax: _arg_of_extreme,
    np.argmin: _arg_of_extreme,
}
