"""The translation of recorded NumPy calls to loops, with the same results to the bit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from declnet import Array, Dtype, NativeCall
from declnet_jit.replay import own_loops
from declnet_jit.replay.loops import AXES, OPERANDS, Loop
from declnet_jit.replay.recording import RecordedCall
from declnet_jit.replay.shadow import address_of
from declnet_jit.replay.symbols import Symbol
from declnet_jit.replay.ufunc_loops import loop_of


class NotLoweredError(Exception):
    """A recorded call has no form as loops; the message says why, after "it"."""


def lowered(call: RecordedCall, einsum: bool = True) -> list[Loop]:
    """Return the loops that do what a recorded call did, on the same arrays.

    Args:
        einsum: whether to also translate np.einsum, whose order of sums depends on how NumPy was
            compiled.

    Raises:
        NotLoweredError: it cannot be translated.
    """
    made = _Loops()
    if call.generator is not None:
        raise NotLoweredError("draws random numbers")
    if isinstance(call.function, np.ufunc):
        translate = _METHODS.get(call.method, _refuse)
    elif call.function is np.einsum and einsum:
        translate = _einsum
    else:
        translate = _FUNCTIONS.get(call.function, _refuse)
    try:
        translate(made, call)
    except (TypeError, ValueError, LookupError) as error:  # arguments of unusual kinds
        raise NotLoweredError(f"calls {call.name} in an unusual way") from error
    return made.loops


def _refuse(_: _Loops, call: RecordedCall) -> None:
    raise NotLoweredError(f"calls {call.name}")


class _Loops:
    """Loops in the order in which they run."""

    def __init__(self) -> None:
        self.loops: list[Loop] = []

    def add(
        self,
        inner: tuple[int, int] | NativeCall | None,
        arrays: Sequence[Array],
        axes: list[list[int]] | None = None,
        *,
        order: Sequence[int] = (),
        outputs: int = 1,
    ) -> None:
        """Add a loop over all elements.

        NumPy's own iterator orders and joins the axes, so that sums come out in NumPy's order.

        Args:
            inner: the inner loop; None raises NotLoweredError.
            arrays: inputs, then outputs.
            axes: for each array, which of its axes each axis of the loop takes, or -1; default: as
                they are broadcast.
            order: the arrays, by number, as the inner loop takes them; default: as given.
            outputs: how many of the last ones that it takes it writes.
        """
        if inner is None:
            kinds = ", ".join(str(each.dtype) for each in arrays)
            raise NotLoweredError(f"converts or selects elements of {kinds}")
        if any(each.size == 0 for each in arrays):
            return
        places = order or range(len(arrays))
        shape, addresses, strides = _nest(arrays, axes, {*places[-outputs:]})
        self.loops.append(
            Loop(
                inner,
                tuple(addresses[place] for place in places),
                tuple(arrays[place].itemsize for place in places),
                outputs,
                shape,
                tuple(strides[place] for place in places),
                elementwise=axes is None,
                keeps=tuple(arrays),
            )
        )

    def convert(self, source: Array, target: Array) -> None:
        """Copy elements, broadcast if need be, and convert them to the type of the target."""
        if source.dtype == target.dtype:
            if _are_identical(source, target):
                return
            word = np.dtype(f"u{target.itemsize}")
            if target.itemsize not in (1, 2, 4, 8):
                raise NotLoweredError(f"copies an array of {target.dtype}")
            function = _loop_of(np.positive, (word, word))
            self.add(function, [source.view(word), target.view(word)])
            return
        if target.dtype == np.bool:
            inner = _loop_of(np.not_equal, (source.dtype, source.dtype, target.dtype))
            self.add(inner, [source, np.zeros((), source.dtype), target])
            return
        self.add(own_loops.conversion(source.dtype, target.dtype), [source, target])

    def converted(self, value: Any, dtype: Dtype) -> Array:
        """Return an operand as an array of a type: itself, a constant, or a converted copy."""
        if isinstance(value, Symbol):
            value = value.slot
        if not isinstance(value, np.ndarray):
            return np.array(value, dtype)
        return value if value.dtype == dtype else self.copied(value, dtype)

    def copied(self, array: Array, dtype: Dtype | None = None) -> Array:
        """Return an array to which another one is copied whenever the loops run."""
        pairs = zip(array.shape, array.strides, strict=True)
        once = tuple(slice(1) if step == 0 and n > 1 else slice(None) for n, step in pairs)
        core = array[(*once, ...)]
        made = np.empty_like(core, dtype)
        self.convert(core, made)
        return np.broadcast_to(made, array.shape)

    def apart(self, array: Array, targets: Sequence[Array]) -> Array:
        """Return an input, or a copy if it overlaps an output element by element otherwise."""
        overlaps = any(
            np.may_share_memory(array, each) and not _are_identical(array, each) for each in targets
        )
        return self.copied(array) if overlaps else array


def _nest(
    arrays: Sequence[Array], axes: list[list[int]] | None, written: set[int]
) -> tuple[tuple[int, ...], list[int], list[tuple[int, ...]]]:
    """Return the shape of a loop over arrays, and the address and the strides of each."""
    if not all(each.flags.aligned and each.dtype.isnative for each in arrays):
        raise NotLoweredError("has an array whose elements are not aligned in memory")
    access = [["readwrite" if number in written else "readonly"] for number in range(len(arrays))]
    iterator = np.nditer(arrays, ["external_loop", "reduce_ok"], access, op_axes=axes, order="K")  # type: ignore[call-overload]
    with iterator:
        views = iterator.itviews
        shape: tuple[int, ...] = views[0].shape or (1,)
        if len(shape) > AXES or len(arrays) > OPERANDS:
            raise NotLoweredError(f"loops over {len(shape)} axes of {len(arrays)} arrays")
        return shape, [address_of(each) for each in views], [each.strides or (0,) for each in views]


def _are_identical(first: Array, second: Array) -> bool:
    same = first.shape == second.shape and first.strides == second.strides
    return same and first.dtype == second.dtype and address_of(first) == address_of(second)


def _loop_of(ufunc: np.ufunc, dtypes: Sequence[Dtype]) -> tuple[int, int]:
    found = loop_of(ufunc, dtypes)
    if found is None:
        names = ", ".join(map(str, dtypes))
        raise NotLoweredError(f"calls np.{ufunc.__name__} with {names}")
    return found


def _resolved(call: RecordedCall) -> tuple[Dtype, ...]:
    """Return the types for which a ufunc computes, by NumPy's rules of promotion."""
    ufunc = call.function
    types = *map(_type_of, call.inputs), *[None] * ufunc.nout
    casting, wanted = call.kwargs.get("casting", "same_kind"), call.kwargs.get("dtype")
    further: dict[str, Any] = {}
    if wanted is not None:
        further["signature"] = (*[None] * ufunc.nin, *[np.dtype(wanted)] * ufunc.nout)
    resolved: tuple[Dtype, ...] = ufunc.resolve_dtypes(types, casting=casting, **further)
    return resolved


def _type_of(value: Any) -> Any:
    if isinstance(value, Symbol):
        return type(value.value)
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype
    return type(value) if type(value) in (int, float) else np.asarray(value).dtype


def _require_only(call: RecordedCall, *names: str) -> None:
    for name in call.kwargs:
        if name not in (*names, "casting", "order", "subok"):
            raise NotLoweredError(f"calls {call.name} with {name}=")


def _elementwise(made: _Loops, call: RecordedCall) -> None:
    """Lower a ufunc's call."""
    if call.function.signature is not None:
        _of_matrices(made, call)
        return
    _require_only(call, "dtype", "where")
    dtypes = _resolved(call)
    function = _loop_of(call.function, dtypes)
    count, mask = len(call.inputs), call.kwargs.get("where", True)
    targets = _targets(call.outputs, dtypes[count:], apart=mask is not True)
    pairs = zip(call.inputs, dtypes, strict=False)
    inputs = [made.apart(made.converted(each, dtype), targets) for each, dtype in pairs]
    made.add(function, [*inputs, *targets], outputs=len(targets))
    for target, output in zip(targets, call.outputs, strict=True):
        if mask is True:
            made.convert(target, output)
        else:
            _select(made, mask, made.converted(target, output.dtype), output, output)


def _targets(
    outputs: Sequence[Array], dtypes: Sequence[Dtype], *, apart: bool = False
) -> list[Array]:
    """Return where a loop writes: to the outputs, or to others, if of other types or `apart`."""
    pairs = zip(outputs, dtypes, strict=True)
    return [
        each if each.dtype == kind and not apart else np.empty_like(each, kind)
        for each, kind in pairs
    ]


def _reduction(made: _Loops, call: RecordedCall) -> None:
    """Lower ufunc.reduce: the start value, then a loop in which the output is also an input."""
    _require_only(call, "axis", "keepdims", "dtype", "where")
    (x, *further), (output,), ufunc = call.inputs, call.outputs, call.function
    if call.kwargs.get("where", True) is not True or not isinstance(x, np.ndarray) or further[1:]:
        raise NotLoweredError(f"calls {call.name} with where=, or in another unusual way")
    axis = further[0] if further else call.kwargs.get("axis", 0)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    dtypes = ufunc.resolve_dtypes((output.dtype, x.dtype, None), reduction=True)
    wanted = call.kwargs.get("dtype")
    if output.dtype != dtypes[0] or (wanted is not None and np.dtype(wanted) != dtypes[0]):
        raise NotLoweredError(f"calls {call.name} of {x.dtype} for a result of {output.dtype}")
    function = _loop_of(ufunc, dtypes)
    x = made.converted(x, dtypes[1])
    if np.may_share_memory(x, output):
        x = made.copied(x)
    first = tuple(0 if each in axes else slice(None) for each in range(x.ndim))
    if output.ndim == x.ndim and call.kwargs.get("keepdims"):
        output = output[(*first, ...)]
    if ufunc.identity is None:
        if not x.size:
            return
        made.convert(x[(*first, ...)], output)
    else:
        made.convert(np.array(ufunc.identity, output.dtype), output)
    kept = iter(range(output.ndim))
    of_output = [-1 if each in axes else next(kept) for each in range(x.ndim)]
    made.add(function, [output, x], [of_output, list(range(x.ndim))], order=(0, 1, 0))


def _of_matrices(made: _Loops, call: RecordedCall) -> None:
    """Lower a call of a ufunc of matrices and vectors, such as np.matmul."""
    _require_only(call, "axis")
    ufunc, (output,) = call.function, call.outputs
    dtypes = _resolved(call)
    function = _loop_of(ufunc, dtypes)
    (target,) = _targets([output], dtypes[-1:])
    pairs = zip(call.inputs, dtypes, strict=False)
    inputs = [made.apart(made.converted(each, kind), []) for each, kind in pairs]
    inputs = [made.copied(each) if np.may_share_memory(each, target) else each for each in inputs]
    if "axis" in call.kwargs:
        axis = call.kwargs["axis"]
        inputs = [np.moveaxis(each, normalize_axis_index(axis, each.ndim), -1) for each in inputs]
    arrays, names = [*inputs, target], _core_names(ufunc.signature)
    missing: set[str] = set()
    zeros: Any = (0, 0)
    for array, own in zip(inputs, names, strict=False):
        if array.ndim < len(own):
            missing |= {name for name in own if name.endswith("?")}
    if any(each.size == 0 for each in arrays):
        raise NotLoweredError(f"calls {call.name} on an empty array")
    sizes, core_strides, outer = dict[str, int](), list[int](), list[Array]()
    for array, own in zip(arrays, names, strict=True):
        present = [name for name in own if name not in missing]
        axes = range(array.ndim - len(present), array.ndim)
        steps = {name: array.strides[i] for name, i in zip(present, axes, strict=True)}
        sizes |= {name: array.shape[i] for name, i in zip(present, axes, strict=True)}
        core_strides += [steps.get(name, 0) for name in own]
        outer.append(array[(..., *zeros[: len(present)])])
    shape, addresses, strides = _nest(outer, None, {len(inputs)})
    order = dict.fromkeys(name for own in names for name in own)
    made.loops.append(
        Loop(
            function,
            tuple(addresses),
            tuple(each.itemsize for each in arrays),
            1,
            shape,
            tuple(strides),
            tuple(sizes.get(name, 1) for name in order),
            tuple(core_strides),
            keeps=tuple(arrays),
        )
    )
    made.convert(target, output)


def _core_names(signature: str) -> list[list[str]]:
    """Return the names of the axes of a signature such as (n?,k),(k,m?)->(n?,m?)."""
    return [re.findall(r"[^,\s]+", each) for each in re.findall(r"\(([^)]*)\)", signature)]


def _scalar(made: _Loops, call: RecordedCall) -> None:
    """Lower an operation on numbers, in float64 as in Python."""
    kind, ufunc = np.dtype(np.float64), call.function
    operands = [*(made.converted(each, kind) for each in call.inputs), *call.outputs]
    if ufunc is not np.power:
        made.add(_loop_of(ufunc, [kind] * len(operands)), operands)
        return
    made.add(own_loops.power(), operands)


def _copy(made: _Loops, call: RecordedCall) -> None:
    """Lower np.copyto."""
    _require_only(call, "where")
    target, values = call.inputs
    if not isinstance(values, np.ndarray):
        values = np.array(values).astype(target.dtype)
    values = _broadcast(made.apart(values, [target]), target.shape)
    mask = call.kwargs.get("where")
    if mask is None:
        made.convert(values, target)
    else:
        _select(made, mask, made.converted(values, target.dtype), target, target)


def _broadcast(array: Array, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(array, shape)
    except ValueError as error:
        raise NotLoweredError("copies an array with more axes than its target") from error


def _where(made: _Loops, call: RecordedCall) -> None:
    """Lower np.where."""
    _require_only(call)
    (mask, *values), (output,) = call.inputs, call.outputs
    a, b = (made.converted(each, output.dtype) for each in values)
    _select(made, mask, a, b, output)


def _select(made: _Loops, mask: Any, a: Array, b: Array, output: Array) -> None:
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise NotLoweredError(f"selects elements of {output.dtype} by {mask!r:.20}")
    made.add(own_loops.selection(output.itemsize), [made.apart(mask, [output]), a, b, output])


def _concatenation(made: _Loops, call: RecordedCall) -> None:
    """Lower np.concatenate."""
    _require_only(call, "axis")
    (arrays, *further), (output,) = call.inputs, call.outputs or (None,)
    axis = further[0] if further else call.kwargs.get("axis", 0)
    if output is None or axis is None or not all(isinstance(a, np.ndarray) for a in arrays):
        raise NotLoweredError("calls np.concatenate with out= or without an axis")
    along, start = np.moveaxis(output, axis, 0), 0
    for each in arrays:
        length = each.shape[axis]
        made.convert(np.moveaxis(each, axis, 0), along[start : start + length])
        start += length


def _take(made: _Loops, call: RecordedCall) -> None:
    """Lower np.take along an axis with mode="clip", which raises no error."""
    _require_only(call, "axis", "out", "mode")
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
    inner = own_loops.taking(source.itemsize, source.shape[axis], source.strides[axis])
    indices = made.apart(made.converted(index, np.dtype(np.int64)), [output])
    made.add(inner, [indices, first, output], axes)


def _arg_of_extreme(made: _Loops, call: RecordedCall) -> None:
    """Lower np.argmax or np.argmin along an axis."""
    _require_only(call, "axis", "out", "keepdims")
    (x, *further), output = call.inputs, call.kwargs.get("out", *call.outputs)
    axis = further[0] if further else call.kwargs.get("axis")
    if axis is None or further[1:] or output.dtype != np.int64:
        raise NotLoweredError(f"calls {call.name} without an axis, or for another type")
    axis = normalize_axis_index(axis, x.ndim)
    if call.kwargs.get("keepdims"):
        output = np.squeeze(output, axis)
    if np.may_share_memory(x, output):
        raise NotLoweredError(f"calls {call.name} with an output that is also an input")
    first = x[(*[slice(None)] * axis, 0, ...)]
    greatest = call.function is np.argmax
    inner = own_loops.arg_of_extreme(x.dtype, x.shape[axis], x.strides[axis], greatest)
    axes = [list(range(output.ndim))] * 2  # of which the loop sees only the first elements
    made.add(inner, [first, output], axes)


def _einsum(made: _Loops, call: RecordedCall) -> None:
    """Lower np.einsum of two arrays that have no axis twice: zeros, to which products are added."""
    _require_only(call, "out")
    output = call.kwargs.get("out", *call.outputs)
    (a, b), labels = _labels(call.inputs)
    arrays = [a, b, output]
    kinds = {each.dtype for each in arrays}
    if len(kinds) != 1 or output.dtype not in (np.float32, np.float64):
        raise NotLoweredError(f"calls np.einsum with {', '.join(map(str, kinds))}")
    own = [dict(zip(each, x.shape, strict=True)) for each, x in zip(labels, arrays, strict=True)]
    sizes = {key: size for each in own for key, size in each.items()}
    if any(sizes[key] != size for each in own for key, size in each.items()):
        raise NotLoweredError("calls np.einsum with arrays that are broadcast")
    made.convert(np.zeros((), output.dtype), output)
    if any(np.may_share_memory(each, output) for each in (a, b)):
        raise NotLoweredError("calls np.einsum with an output that is also an input")
    order = [*labels[2], *sorted({*labels[0], *labels[1]} - {*labels[2]})]
    axes = [[each.index(key) if key in each else -1 for key in order] for each in labels]
    shape, _, strides = _nest(arrays, axes, {2})
    contiguous = strides[0][-1] == strides[1][-1] == output.itemsize and shape[-1] > 1
    in_vectors = contiguous and strides[2][-1] == 0
    made.add(own_loops.products(output.dtype, in_vectors), arrays, axes)


def _labels(inputs: Sequence[Any]) -> tuple[list[Array], list[list[Any]]]:
    """Return the two operands of np.einsum, and the labels of the axes of them and the output."""
    if isinstance(inputs[0], str) and len(inputs) == 3 and "->" in inputs[0]:
        words, a, b = inputs
        parts = words.replace(" ", "").replace("->", ",").split(",")
        most = max(x.ndim for x in (a, b))
        dots = [f"{'.' * (i + 1)}" for i in range(most)]
        explicit = [len(part.replace("...", "")) for part in parts[:2]]
        extra = [x.ndim - count for x, count in zip((a, b), explicit, strict=True)]
        if "..." in words and (extra[0] != extra[1] or any("..." not in p for p in parts)):
            raise NotLoweredError("calls np.einsum with arrays that are broadcast")
        labels = [
            [*before, *(dots[: extra[0]] if dotted else []), *after]
            for before, dotted, after in (part.partition("...") for part in parts)
        ]
    elif len(inputs) == 5:
        a, first, b, second, last = inputs
        labels = [[str(each) for each in axes] for axes in (first, second, last)]
    else:
        raise NotLoweredError("calls np.einsum with other than two arrays, or without its output")
    arrays = [a, b]
    repeated = any(len(set(each)) < len(each) for each in labels)
    if repeated or not all(isinstance(each, np.ndarray) for each in arrays):
        raise NotLoweredError("calls np.einsum with an axis that occurs twice")
    return arrays, labels


_METHODS: dict[str, Callable[[_Loops, RecordedCall], None]] = {
    "__call__": _elementwise,
    "reduce": _reduction,
    "scalar": _scalar,
}

_FUNCTIONS: dict[Any, Callable[[_Loops, RecordedCall], None]] = {
    np.copyto: _copy,
    np.where: _where,
    np.concatenate: _concatenation,
    np.take: _take,
    np.argmax: _arg_of_extreme,
    np.argmin: _arg_of_extreme,
}
