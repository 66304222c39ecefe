"""A program: what recorded calls of NumPy compute, element by element.

Each recorded call becomes *assignments* over memory: for each index of a space, an expression of
elements that is stored, or combined with others along some axes. Engines fuse them into loops, and
exporters write them in another language. An assignment reads all elements that it needs before it
writes; where its target overlaps an input at other indices, a copy of the input comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.lib.stride_tricks import as_strided

from declnet import Array, Dtype, Shape
from declnet_plugins.recording.labels import labels_of
from declnet_plugins.recording.recording import RecordedCall
from declnet_plugins.recording.symbols import NotTranslatedError, Symbol

BOOLEAN = np.dtype(bool)


@dataclass(frozen=True, eq=False)
class Expression:
    """A function of elements.

    Attributes:
        function: a ufunc with one output; np.where; or np.astype, which converts its only argument.
        arguments: of the types that the function computes with.
        dtype: the type of the result.
    """

    function: Any
    arguments: tuple[Term, ...]
    dtype: Dtype


@dataclass(frozen=True, eq=False)
class Element:
    """An element that an index selects along an axis.

    Attributes:
        array: the axis to select along, followed by the axes of the space.
        index: int64; outside of the axis, it counts as the nearest index in it.
    """

    array: Array
    index: Term

    @property
    def dtype(self) -> Dtype:
        """The type of the element."""
        return self.array.dtype


Term = Expression | Element | Array | np.generic
"""An expression, an array with the shape of the space, or a constant."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """`target[i] = value[i]` for each index i of a space.

    Arrays are views of the memory that the recorded calls used, broadcast to the space: their
    stride is 0 along the axes that they do not have.

    Attributes:
        target: what is written; its shape is the space.
        value: of the target's type.
        reduction: the ufunc that combines the values of all indices with the same element of the
            target, or None. The target has a stride of 0 along the axes over which it combines.
        axes: these axes.
    """

    target: Array
    value: Term
    reduction: Any = None
    axes: frozenset[int] = field(default=frozenset())

    @property
    def shape(self) -> Shape:
        """The lengths of the space's axes."""
        return self.target.shape

    def inputs(self) -> Iterator[Array]:
        """Yield the arrays that it reads; arrays of `Element`s have one more axis."""
        yield from _arrays(self.value)

    def moved(self, move: Callable[[Array], Array]) -> Assignment:
        """Return the same assignment on other arrays."""
        value = _replaced(self.value, move)
        return Assignment(move(self.target), value, self.reduction, self.axes)


_Translate = Callable[[RecordedCall], Iterator[Assignment]]


def assignments(call: RecordedCall) -> list[Assignment]:
    """Return the assignments that do what a recorded call did.

    Raises:
        NotTranslatedError: there are none.
    """
    translate = _translation(call)
    if translate is None:
        what = "draws random numbers" if call.generator is not None else f"calls {call.name}"
        raise NotTranslatedError(what)
    try:
        return list(translate(call))
    except (TypeError, ValueError, LookupError) as error:  # arguments of unusual kinds
        raise NotTranslatedError(f"calls {call.name} in an unusual way") from error


def has_assignments(call: RecordedCall) -> bool:
    """Return whether calls of this kind can have assignments."""
    return _translation(call) is not None


def _translation(call: RecordedCall) -> _Translate | None:
    if not isinstance(call.function, np.ufunc):
        return _FUNCTIONS.get(call.function)
    if call.function.signature is not None and call.method == "__call__":
        return _products
    return _METHODS.get(call.method)


def are_identical(first: Array, second: Array) -> bool:
    """Return whether two arrays are the same elements in the same places of memory."""
    same = first.shape == second.shape and first.strides == second.strides
    return same and first.dtype == second.dtype and address_of(first) == address_of(second)


def address_of(array: Array) -> int:
    """Return the address of an array's first element."""
    address: int = array.__array_interface__["data"][0]
    return address


def require_only(call: RecordedCall, *names: str) -> None:
    """Raise NotTranslatedError for keyword arguments besides these and those without effect."""
    for name, value in call.kwargs.items():
        if value is not None and name not in (*names, "casting", "order", "subok"):
            raise NotTranslatedError(f"calls {call.name} with {name}=")


def resolved_types(call: RecordedCall) -> tuple[Dtype, ...]:
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


def _arrays(term: Term) -> Iterator[Array]:
    if isinstance(term, Expression):
        for argument in term.arguments:
            yield from _arrays(argument)
    elif isinstance(term, Element):
        yield term.array
        yield from _arrays(term.index)
    elif isinstance(term, np.ndarray):
        yield term


def _term(value: Any, shape: Shape, dtype: Dtype) -> Term:
    """Return an argument of NumPy as a term of a type."""
    if isinstance(value, Symbol):
        value = value.slot
    if not isinstance(value, np.ndarray) and np.ndim(value) == 0:
        return np.asarray(value).astype(dtype)[()]
    value = np.asarray(value)
    return converted(np.broadcast_to(value, shape), dtype)


def converted(term: Term, dtype: Dtype) -> Term:
    """Return a term as a type."""
    return term if term.dtype == dtype else Expression(np.astype, (term,), dtype)


def _assign(
    target: Array, value: Term, reduction: Any = None, axes: frozenset[int] = frozenset()
) -> Iterator[Assignment]:
    """Yield an assignment, after copies of the inputs that its target overlaps elsewhere."""
    copies: dict[int, Array] = {}
    for array in _arrays(value):
        if np.may_share_memory(array, target) and not (
            reduction is None and are_identical(array, target)
        ):
            core = without_repetition(array)
            copy = np.empty_like(core)
            copies[id(array)] = np.broadcast_to(copy, array.shape)
            yield Assignment(copy, core)
    if copies:
        value = _replaced(value, lambda array: copies.get(id(array), array))
    yield Assignment(target, value, reduction, axes)


def without_repetition(array: Array) -> Array:
    """Return a view with one element along the axes of stride 0."""
    once = (slice(1) if stride == 0 else slice(None) for stride in array.strides)
    core: Array = array[(*once, ...)]
    return core


def _replaced(term: Term, replace: Callable[[Array], Array]) -> Term:
    """Return a term on other arrays."""
    if isinstance(term, Expression):
        arguments = tuple(_replaced(argument, replace) for argument in term.arguments)
        return Expression(term.function, arguments, term.dtype)
    if isinstance(term, Element):
        return Element(replace(term.array), _replaced(term.index, replace))
    return replace(term) if isinstance(term, np.ndarray) else term


def _along(array: Array, axes: Sequence[int], shape: Shape) -> Array:
    """Return an array broadcast to a space, of which its axes are these."""
    strides = dict(zip(axes, array.strides, strict=True))
    return as_strided(array, shape, [strides.get(axis, 0) for axis in range(len(shape))])


def _elementwise(call: RecordedCall) -> Iterator[Assignment]:
    """Translate a ufunc's call."""
    ufunc = call.function
    if ufunc.nout != 1:
        raise NotTranslatedError(f"calls {call.name}, which returns several arrays")
    require_only(call, "dtype", "where")
    (*dtypes, result), (output,) = resolved_types(call), call.outputs
    pairs = zip(call.inputs, dtypes, strict=True)
    arguments = tuple(_term(input_, output.shape, dtype) for input_, dtype in pairs)
    value = converted(Expression(ufunc, arguments, result), output.dtype)
    yield from _assign(output, _masked(call.kwargs.get("where", True), value, output))


def _masked(mask: Any, value: Term, output: Array) -> Term:
    """Return a value, or where the mask is not set, what the output holds."""
    if mask is True:
        return value
    chosen = _term(mask, output.shape, BOOLEAN), value, output
    return Expression(np.where, chosen, output.dtype)


def _reduction(call: RecordedCall) -> Iterator[Assignment]:
    """Translate ufunc.reduce."""
    require_only(call, "axis", "keepdims", "dtype", "where", "initial")
    (x, *rest), (output,), ufunc = call.inputs, call.outputs, call.function
    if call.kwargs.get("where", True) is not True or not isinstance(x, np.ndarray) or rest[1:]:
        raise NotTranslatedError(f"calls {call.name} with where=, or in another unusual way")
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    dtypes = ufunc.resolve_dtypes((output.dtype, x.dtype, None), reduction=True)
    dtype = call.kwargs.get("dtype")
    if output.dtype != dtypes[0] or (dtype is not None and np.dtype(dtype) != dtypes[0]):
        raise NotTranslatedError(f"calls {call.name} of {x.dtype} for a result of {output.dtype}")
    if ufunc.identity is None and not x.size:
        return
    remaining = [index for index in range(x.ndim) if index not in axes]
    if call.kwargs.get("keepdims"):
        output = np.squeeze(output, axes)
    target = _along(output, remaining, x.shape)
    yield from _assign(target, converted(x, dtypes[1]), ufunc, frozenset(axes))
    if (initial := call.kwargs.get("initial")) is not None:
        both = output, _term(initial, output.shape, output.dtype)
        yield Assignment(output, Expression(ufunc, both, output.dtype))


def _scalar(call: RecordedCall) -> Iterator[Assignment]:
    """Translate an operation on numbers, in float64 as in Python."""
    kind, (output,) = np.dtype(np.float64), call.outputs
    arguments = tuple(_term(input_, (), kind) for input_ in call.inputs)
    yield Assignment(output, Expression(call.function, arguments, kind))


def _copy(call: RecordedCall) -> Iterator[Assignment]:
    """Translate np.copyto."""
    require_only(call, "where")
    target, values = call.inputs
    if isinstance(values, np.ndarray):
        extra = max(0, values.ndim - target.ndim)
        if any(length != 1 for length in values.shape[:extra]):
            raise NotTranslatedError("copies an array with more axes than its target")
        values = values.reshape(values.shape[extra:])
    value = _term(values, target.shape, target.dtype)
    value = _masked(call.kwargs.get("where", True), value, target)
    if not (isinstance(value, np.ndarray) and are_identical(value, target)):
        yield from _assign(target, value)


def _where(call: RecordedCall) -> Iterator[Assignment]:
    """Translate np.where."""
    require_only(call)
    (mask, *values), (output,) = call.inputs, call.outputs
    chosen = [_term(value, output.shape, output.dtype) for value in values]
    arguments = _term(mask, output.shape, BOOLEAN), *chosen
    yield from _assign(output, Expression(np.where, arguments, output.dtype))


def _concatenation(call: RecordedCall) -> Iterator[Assignment]:
    """Translate np.concatenate."""
    require_only(call, "axis")
    (arrays, *rest), (output,) = call.inputs, call.outputs or (None,)
    axis = rest[0] if rest else call.kwargs.get("axis", 0)
    if output is None or axis is None or not all(isinstance(a, np.ndarray) for a in arrays):
        raise NotTranslatedError("calls np.concatenate with out= or without an axis")
    along, start = np.moveaxis(output, axis, 0), 0
    for array in arrays:
        target = along[start : start + array.shape[axis]]
        yield from _assign(target, converted(np.moveaxis(array, axis, 0), output.dtype))
        start += array.shape[axis]


def _take(call: RecordedCall) -> Iterator[Assignment]:
    """Translate np.take along an axis with mode="clip", which raises no error."""
    require_only(call, "axis", "out", "mode")
    output, (source, index) = call.output, call.inputs
    axis, mode = call.kwargs.get("axis"), call.kwargs.get("mode")
    if mode != "clip" or axis is None or source.dtype != output.dtype:
        raise NotTranslatedError('calls np.take without an axis or without mode="clip"')
    axis, places = normalize_axis_index(axis, source.ndim), index.ndim
    if np.may_share_memory(source, output):
        raise NotTranslatedError("calls np.take with an output that is also an input")
    first = np.moveaxis(source, axis, 0)
    rest = [*range(axis), *range(axis + places, output.ndim)]
    array = _along(first, [0, *(1 + place for place in rest)], (len(first), *output.shape))
    along = _along(index, range(axis, axis + places), output.shape)
    yield from _assign(output, Element(array, converted(along, np.dtype(np.int64))))


def _arg_of_extreme(call: RecordedCall) -> Iterator[Assignment]:
    """Translate np.argmax or np.argmin along an axis: the first extreme, or the first NaN."""
    require_only(call, "axis", "out", "keepdims")
    (x, *rest), output = call.inputs, call.output
    axis = rest[0] if rest else call.kwargs.get("axis")
    if axis is None or rest[1:] or output.dtype != np.int64:
        raise NotTranslatedError(f"calls {call.name} without an axis, or for another type")
    axis = normalize_axis_index(axis, x.ndim)
    if call.kwargs.get("keepdims"):
        output = np.squeeze(output, axis)
    kind, axes = output.dtype, frozenset((axis,))
    remaining = [index for index in range(x.ndim) if index != axis]
    extreme = _along(np.empty(output.shape, x.dtype), remaining, x.shape)
    reduction = np.maximum if call.function is np.argmax else np.minimum
    yield Assignment(extreme, x, reduction, axes)
    is_extreme = Expression(np.equal, (x, extreme), BOOLEAN)
    if x.dtype.kind == "f":
        is_nan = Expression(np.not_equal, (x, x), BOOLEAN)
        is_extreme = Expression(np.logical_or, (is_extreme, is_nan), BOOLEAN)
    length = x.shape[axis]
    places = is_extreme, _along(np.arange(length), [axis], x.shape), kind.type(length)
    value = Expression(np.where, places, kind)
    yield from _assign(_along(output, remaining, x.shape), value, np.minimum, axes)


def _products(call: RecordedCall) -> Iterator[Assignment]:
    """Translate sums of products: np.einsum, np.dot, np.inner, and ufuncs such as np.matmul."""
    require_only(call, "out", "dtype", "optimize")
    arrays, labels = labels_of(call)
    output, sizes = call.output, dict[str, int]()
    for array, names in zip((*arrays, output), labels, strict=True):
        for name, size in zip(names, array.shape, strict=True):
            sizes[name] = max(sizes.get(name, 1), size)
    order = [*labels[-1], *(name for name in sizes if name not in labels[-1])]
    shape = tuple(sizes[name] for name in order)
    value, *others = (
        converted(_in_space(array, [order.index(name) for name in names], shape), output.dtype)
        for array, names in zip(arrays, labels, strict=False)
    )
    for factor in others:
        value = Expression(np.multiply, (value, factor), output.dtype)
    summed = frozenset(range(output.ndim, len(order)))
    target = _along(output, range(output.ndim), shape)
    yield from _assign(target, value, np.add if summed else None, summed)


def _in_space(array: Array, axes: Sequence[int], shape: Shape) -> Array:
    """Return an array as elements of a space, in which it may have an axis twice."""
    strides = [0] * len(shape)
    for axis, size, stride in zip(axes, array.shape, array.strides, strict=True):
        strides[axis] += stride if size == shape[axis] else 0
    return as_strided(array, shape, strides)


_METHODS: dict[str, _Translate] = {
    "__call__": _elementwise,
    "reduce": _reduction,
    "scalar": _scalar,
}

_FUNCTIONS: dict[Any, _Translate] = {
    np.copyto: _copy,
    np.where: _where,
    np.concatenate: _concatenation,
    np.take: _take,
    np.argmax: _arg_of_extreme,
    np.argmin: _arg_of_extreme,
    **dict.fromkeys((np.einsum, np.dot, np.inner), _products),
}
