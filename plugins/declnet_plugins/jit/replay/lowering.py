"""The translation of recorded NumPy calls to loops, with the same results to the bit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from declnet import Array, Shape
from declnet_plugins.jit.replay import inner_loops
from declnet_plugins.jit.replay.loop_list import LoopList, nest, require_loop
from declnet_plugins.jit.replay.loops import Loop
from declnet_plugins.recording.program import (
    Assignment,
    Element,
    Expression,
    NotTranslatedError,
    Term,
    assignments,
    require_only,
    resolved_types,
)
from declnet_plugins.recording.recording import RecordedCall


def lowered(
    call: RecordedCall, program: Sequence[Assignment] | None = None, einsums: bool = True
) -> list[Loop]:
    """Return the loops that do what a recorded call did, on the same arrays.

    Args:
        program: its assignments, if they are known.
        einsums: whether to also translate np.einsum, whose order of sums depends on how NumPy was
            compiled.

    Raises:
        NotTranslatedError: it cannot be translated.
    """
    loops = LoopList()
    if isinstance(call.function, np.ufunc) and call.function.signature is not None:
        try:
            _of_matrices(loops, call)
        except (TypeError, ValueError, LookupError) as error:  # arguments of unusual kinds
            raise NotTranslatedError(f"calls {call.name} in an unusual way") from error
    elif call.function is np.einsum and not einsums:
        raise NotTranslatedError(f"calls {call.name}")
    else:
        for assignment in assignments(call) if program is None else program:
            _assign(loops, assignment)
    return loops.loops


def _assign(loops: LoopList, assignment: Assignment) -> None:
    target, value, reduction = assignment.target, assignment.value, assignment.reduction
    if reduction is None:
        _evaluate(loops, value, target)
        return
    if reduction in (np.argmax, np.argmin):
        _find_extreme(loops, assignment)
    elif isinstance(value, Expression) and value.function is np.multiply:
        loops.convert(np.zeros((), target.dtype), _first(assignment, target))
        _add_products(loops, [*(_array(loops, x, target.shape) for x in value.arguments), target])
    else:
        x = _array(loops, value, target.shape)
        inner = require_loop(reduction, (target.dtype, x.dtype, target.dtype))
        if reduction.identity is not None:
            start = np.array(reduction.identity, target.dtype)
        else:
            start = _first(assignment, x)
        loops.convert(start, _first(assignment, target))
        loops.add(inner, [target, x], order=(0, 1, 0))


def _first(assignment: Assignment, array: Array) -> Array:
    """Return a view of the first elements along the axes of a reduction."""
    if not all(array.shape[axis] for axis in assignment.axes):
        raise NotTranslatedError("combines elements along an empty axis")
    first = tuple(0 if axis in assignment.axes else slice(None) for axis in range(array.ndim))
    return array[(*first, ...)]


def _add_products(loops: LoopList, arrays: list[Array]) -> None:
    """Add the products of two arrays to the third, as np.einsum does."""
    shape, _, strides = nest(arrays, {2})
    size = arrays[2].itemsize
    contiguous = strides[0][-1] == strides[1][-1] == size and shape[-1] > 1
    inner = inner_loops.products(arrays[2].dtype, contiguous and strides[2][-1] == 0)
    loops.add(inner, arrays)


def _find_extreme(loops: LoopList, assignment: Assignment) -> None:
    (axis,), x = assignment.axes, assignment.value
    if not isinstance(x, np.ndarray):
        raise NotTranslatedError("finds an extreme of what it computes")
    greatest = assignment.reduction is np.argmax
    inner = inner_loops.arg_of_extreme(x.dtype, x.shape[axis], x.strides[axis], greatest)
    arrays = [_first(assignment, x), _first(assignment, assignment.target)]
    loops.add(inner, arrays)  # which sees only the first elements


def _array(loops: LoopList, term: Term, shape: Shape) -> Array:
    """Return an array that holds a term whenever the loops run."""
    if isinstance(term, np.ndarray):
        return term
    if isinstance(term, np.generic):
        return np.asarray(term)
    if isinstance(term, Expression) and term.function is np.astype:
        (argument,) = term.arguments
        return loops.copied(_array(loops, argument, shape), term.dtype)
    target = np.empty(shape, term.dtype)
    _evaluate(loops, term, target)
    return target


def _evaluate(loops: LoopList, term: Term, target: Array) -> None:
    """Add the loops that write a term to an array of its type."""
    if isinstance(term, Element):
        index = _array(loops, term.index, target.shape)
        length, stride = term.array.shape[0], term.array.strides[0]
        inner = inner_loops.taking(target.itemsize, length, stride)
        loops.add(inner, [index, term.array[0], target])
    elif not isinstance(term, Expression):
        loops.convert(_array(loops, term, target.shape), target)
    else:
        function = term.function
        inputs = [_array(loops, argument, target.shape) for argument in term.arguments]
        if function is np.astype:
            loops.convert(inputs[0], target)
        elif function is np.where:
            loops.add(inner_loops.selection(target.itemsize), [*inputs, target])
        elif function is np.power and not target.shape:
            loops.add(inner_loops.power(), [*inputs, target])
        else:
            dtypes = [array.dtype for array in inputs]
            loops.add(require_loop(function, (*dtypes, target.dtype)), [*inputs, target])


def _of_matrices(loops: LoopList, call: RecordedCall) -> None:
    """Lower a call of a ufunc of matrices and vectors, such as np.matmul."""
    require_only(call, "axis")
    ufunc, (output,) = call.function, call.outputs
    dtypes = resolved_types(call)
    function = require_loop(ufunc, dtypes)
    same = output.dtype == dtypes[-1]
    target = output if same else np.empty_like(output, dtypes[-1])
    pairs = zip(call.inputs, dtypes, strict=False)
    inputs = [loops.converted(input_, kind) for input_, kind in pairs]
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
        raise NotTranslatedError(f"calls {call.name} on an empty array")
    sizes, core_strides, outer = dict[str, int](), list[int](), list[Array]()
    for array, core in zip(arrays, names, strict=True):
        present = [name for name in core if name not in missing]
        axes = range(array.ndim - len(present), array.ndim)
        steps = {name: array.strides[i] for name, i in zip(present, axes, strict=True)}
        sizes |= {name: array.shape[i] for name, i in zip(present, axes, strict=True)}
        core_strides += [steps.get(name, 0) for name in core]
        outer.append(array[(..., *zeros[: len(present)])])
    shape, addresses, strides = nest(outer, {len(inputs)})
    order = dict.fromkeys(name for core in names for name in core)
    loops.loops.append(
        Loop(
            function,
            tuple(addresses),
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
