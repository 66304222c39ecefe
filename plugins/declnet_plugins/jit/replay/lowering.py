"""The translation of recorded NumPy calls to assignments that can be fused, and NumPy's loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from declnet import Array, Dtype, Shape
from declnet_plugins.jit.fusion.nests import is_fusible, is_regular
from declnet_plugins.jit.replay.loops import Loop, loop_over
from declnet_plugins.recording.labels import core_names
from declnet_plugins.recording.program import (
    Assignment,
    Element,
    Expression,
    Term,
    assignments,
    converted,
    require_only,
    resolved_types,
    without_repetition,
)
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.symbols import NotTranslatedError, Symbol

Step = Assignment | Loop

LEFT = (np.dot, np.inner)
"""Functions whose sums of products would be slower than NumPy's."""

INEXACT = ("np.einsum", "np.power.scalar")
"""Calls whose bits depend on how NumPy or Python was compiled."""


def lowered(call: RecordedCall, exact: bool) -> list[Step]:
    """Return what does the same as a recorded call, on the same arrays.

    Args:
        exact: whether to the bit, and not up to rounding.

    Raises:
        NotTranslatedError: it cannot be translated.
    """
    lowering = _Lowering(exact)
    of_matrices = isinstance(call.function, np.ufunc) and call.function.signature is not None
    if of_matrices and (exact or call.function is not np.vecdot):
        try:
            lowering.add_matrices(call)
        except (TypeError, ValueError, LookupError) as error:  # arguments of unusual kinds
            raise NotTranslatedError(f"calls {call.name} in an unusual way") from error
    elif call.function in LEFT or (exact and call.name in INEXACT):
        raise NotTranslatedError(f"calls {call.name}")
    else:
        for assignment in assignments(call):
            lowering.add(assignment)
    return lowering.steps


class _Lowering:
    """Steps in the order in which they run."""

    def __init__(self, exact: bool) -> None:
        self._exact = exact
        self.steps: list[Step] = []

    def add(self, assignment: Assignment) -> None:
        """Add an assignment, or NumPy's loops for one that cannot be fused."""
        target, value, reduction = assignment.target, assignment.value, assignment.reduction
        if is_fusible(assignment, self._exact):
            self.steps.append(assignment)
        elif not target.size:
            if not all(target.shape[axis] for axis in assignment.axes):
                raise NotTranslatedError("combines elements along an empty axis")
        elif reduction is not None:
            x, first = self._array(value, target.shape), _first(assignment, target)
            start: Term = _first(assignment, x)
            if reduction.identity is not None:
                start = target.dtype.type(reduction.identity)
            self.add(Assignment(first, start))
            self._add_loop(reduction, [target, x], (0, 1, 0))
        elif isinstance(value, np.ndarray):
            word = np.dtype(f"u{min(8, target.itemsize)}")
            if word.itemsize != target.itemsize:
                raise NotTranslatedError(f"copies an array of {target.dtype}")
            self._add_loop(np.positive, [value.view(word), target.view(word)])
        elif isinstance(value, Expression) and isinstance(value.function, np.ufunc):
            inputs = [self._array(argument, target.shape) for argument in value.arguments]
            self._add_loop(value.function, [*inputs, target])
        else:
            self._add_from_copies(assignment)

    def _add_loop(self, ufunc: np.ufunc, arrays: list[Array], order: tuple[int, ...] = ()) -> None:
        dtypes = [arrays[place].dtype for place in order or range(len(arrays))]
        self.steps.append(loop_over(ufunc, dtypes, arrays, order))

    def _add_from_copies(self, assignment: Assignment) -> None:
        """Add a conversion, choice or selection of elements by way of regular arrays."""
        target, value = assignment.target, assignment.value
        if isinstance(value, Expression):
            arguments = tuple(self._regular(x, target.shape) for x in value.arguments)
            value = Expression(value.function, arguments, value.dtype)
        elif isinstance(value, Element):
            array = self._regular(value.array, value.array.shape)
            value = Element(array, self._regular(value.index, target.shape))  # type: ignore[arg-type]
        regular = Assignment(np.empty(target.shape, target.dtype), value)
        if not is_fusible(regular, self._exact):
            kinds = ", ".join(str(array.dtype) for array in (*regular.inputs(), target))
            raise NotTranslatedError(f"converts or selects elements of {kinds}")
        self.steps.append(regular)
        self.add(Assignment(target, regular.target))

    def _regular(self, term: Term, shape: Shape) -> Term:
        """Return a constant, or an array that holds a term and whose elements can be fused."""
        if isinstance(term, np.generic):
            return term
        array = self._array(term, shape)
        return array if is_regular(array) else self._copied(array, array.dtype)

    def _array(self, term: Term, shape: Shape) -> Array:
        """Return an array that holds a term whenever the steps run."""
        if isinstance(term, np.ndarray | np.generic):
            return np.asarray(term)
        target = np.empty(shape, term.dtype)
        self.add(Assignment(target, term))
        return target

    def _copied(self, array: Array, dtype: Dtype) -> Array:
        """Return an array of a type to which another one is copied whenever the steps run."""
        core = without_repetition(array)
        copy = np.empty(core.shape, dtype)
        self.add(Assignment(copy, converted(core, dtype)))
        return np.broadcast_to(copy, array.shape)

    def _converted(self, value: Any, dtype: Dtype) -> Array:
        """Return an operand as an array of a type: itself, a constant, or a converted copy."""
        if isinstance(value, Symbol):
            value = value.slot
        if not isinstance(value, np.ndarray):
            return np.array(value, dtype)
        return value if value.dtype == dtype else self._copied(value, dtype)

    def add_matrices(self, call: RecordedCall) -> None:
        """Add a call of a ufunc of matrices and vectors, such as np.matmul."""
        require_only(call, "axis")
        ufunc, (output,) = call.function, call.outputs
        dtypes = resolved_types(call)
        same = output.dtype == dtypes[-1]
        target = output if same else np.empty_like(output, dtypes[-1])
        pairs = zip(call.inputs, dtypes, strict=False)
        inputs = [self._converted(input_, kind) for input_, kind in pairs]
        inputs = [self._copied(x, x.dtype) if np.may_share_memory(x, target) else x for x in inputs]
        if "axis" in call.kwargs:
            axis = call.kwargs["axis"]
            inputs = [np.moveaxis(x, normalize_axis_index(axis, x.ndim), -1) for x in inputs]
        arrays, names = [*inputs, target], core_names(ufunc.signature)
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
        order = dict.fromkeys(name for core in names for name in core)
        core_shape = tuple(sizes.get(name, 1) for name in order)
        loop = replace(loop_over(ufunc, dtypes, outer), keeps=tuple(arrays))
        cores = tuple(core_strides)
        self.steps.append(replace(loop, core_shape=core_shape, core_strides=cores))
        if not same:
            self.add(Assignment(output, converted(target, output.dtype)))


def _first(assignment: Assignment, array: Array) -> Array:
    """Return a view of the first elements along the axes of a reduction."""
    first = tuple(0 if axis in assignment.axes else slice(None) for axis in range(array.ndim))
    return array[(*first, ...)]
