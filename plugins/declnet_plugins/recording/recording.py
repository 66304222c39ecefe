"""The recording of the NumPy calls that a component makes.

The component runs once on arrays of a subclass, which note each operation and then do it. Values
never leave the recording: what needs one, such as `if` or `float`, ends it. Operations whose
memory was not followed (a result of a function that NumPy does not dispatch) end it as well.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import Array
from declnet_plugins.recording.symbols import NotRecordedError, Symbol, refusal


@dataclass(frozen=True, eq=False)
class RecordedCall:
    """A call of NumPy with the arrays that it read and filled.

    Attributes:
        function: the function or ufunc, or the name of a method of `generator`.
        method: of a ufunc: "__call__", "reduce", …; "" for a function.
        inputs: positional arguments, without outputs of ufuncs.
        kwargs: the other arguments, without `out` of ufuncs.
        outputs: the arrays that hold the results. Those of a function are filled by a copy of what
            it returns; none if it writes to its arguments.
        generator: the number of the random stream that is drawn from, or None.
    """

    function: Any
    method: str
    inputs: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[Array, ...] = ()
    generator: int | None = None

    @property
    def name(self) -> str:
        """The name of what it calls."""
        if self.generator is not None:
            return f"Generator.{self.function}"
        name = getattr(self.function, "__name__", str(self.function))
        return f"np.{name}" + (f".{self.method}" if self.method not in ("", "__call__") else "")

    @property
    def output(self) -> Any:
        """The array that it filled, as an argument or with what it returned."""
        output = self.kwargs.get("out")
        return self.outputs[0] if output is None else output


class Recording:
    """The calls made while a component runs, in order."""

    def __init__(self) -> None:
        self.calls: list[RecordedCall] = []
        self._memory: list[tuple[int, int]] = []

    def array(self, array: Array) -> RecordedArray:
        """Return a view of an array that records what is done with it."""
        self._follow(array)
        return self._wrapped(array)

    def number(self, array: Array) -> Symbol:
        """Return the number in an array (1,) of float64, such as the learning rate."""
        self._follow(array)
        return Symbol(self, float(array[0]), array.reshape(()))

    def count(self, array: Array) -> Symbol:
        """Return the number in an array (1,) of int64, such as the step."""
        slot = np.empty((), np.float64)
        self._follow(slot)
        self._follow(array)
        self.calls.append(RecordedCall(np.copyto, "", (slot, array.reshape(()))))
        return Symbol(self, int(array[0]), slot)

    def _wrapped(self, array: Array) -> RecordedArray:
        view = array.view(RecordedArray)
        view.recording = self
        return view

    def _follow(self, array: Array) -> None:
        self._memory.append(byte_bounds(array))

    def _is_followed(self, array: Array) -> bool:
        if not array.size:
            return True
        first, last = byte_bounds(array)
        return any(start <= first and last <= stop for start, stop in reversed(self._memory))

    def plain(self, value: Any) -> Any:
        """Return arguments with plain arrays instead of recorded ones, which must be followed."""
        if isinstance(value, RecordedArray):
            array = value.view(np.ndarray)
            if not self._is_followed(array):
                raise NotRecordedError("computes an array in a way that is not recorded")
            return array
        if isinstance(value, tuple | list):
            return type(value)(map(self.plain, value))
        return value

    def _written(self, array: Any) -> Array:
        """Return a plain array to write to, which must be followed."""
        plain: Array = self.plain(array)
        if not self._is_followed(plain):
            raise NotRecordedError("writes to an array that is neither an argument nor its state")
        return plain

    def result(self, value: Any) -> RecordedArray:
        """Return a result, from now on memory of the recording, as a recorded array."""
        return self.array(np.asarray(value))

    def add_scalar(self, ufunc: np.ufunc, operands: Sequence[Any], slot: Array) -> None:
        """Record an operation on numbers."""
        self._follow(slot)
        self.calls.append(RecordedCall(ufunc, "scalar", tuple(operands), outputs=(slot,)))

    def call_ufunc(
        self, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """Call a ufunc or one of its methods, and record it."""
        arrays = any(isinstance(input_, np.ndarray) for input_ in inputs) or "out" in kwargs
        if not arrays:
            raise NotRecordedError("calls NumPy only with numbers that change with the step")
        outputs = kwargs.pop("out", None)
        plain = tuple(map(self.plain, inputs))
        values = tuple(
            operand.value if isinstance(operand, Symbol) else operand for operand in plain
        )
        options = {name: self.plain(value) for name, value in kwargs.items()}
        if method == "at":
            self._written(inputs[0])
            getattr(ufunc, method)(*values, **options)
            self.calls.append(RecordedCall(ufunc, method, plain, options))
            return None
        if outputs is None:
            returned = getattr(ufunc, method)(*values, **options)
            results = tuple(
                map(np.asarray, returned if isinstance(returned, tuple) else (returned,))
            )
            wrapped = tuple(map(self.array, results))
        else:
            wrapped = outputs
            if any(output is None for output in outputs):
                raise NotRecordedError("gives a ufunc some of its outputs only")
            results = tuple(map(self._written, outputs))
            getattr(ufunc, method)(*values, out=results, **options)
        self.calls.append(RecordedCall(ufunc, method, plain, options, results))
        return wrapped if len(wrapped) > 1 else wrapped[0]

    def call_function(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call a function of NumPy and record the call, or those that it makes."""
        if function is np.copyto:
            return self.copy(*args, **kwargs)
        if function in (np.empty_like, np.shares_memory, np.may_share_memory, np.result_type):
            plain = function(*map(self.plain, args), **kwargs)
            return self.array(plain) if isinstance(plain, np.ndarray) else plain
        inner = function._implementation
        if function not in RECORDED_WHOLE:
            if isinstance(inner, BuiltinFunctionType):
                raise NotRecordedError(f"calls np.{function.__name__}, which is not recorded")
            return inner(*args, **kwargs)
        if function is np.where and len(args) != 3:
            raise NotRecordedError("calls np.where with a condition alone")
        return self.call_whole(function, args, kwargs)

    def call_whole(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call a function whose results have a shape that no value decides, and record the call."""
        plain = tuple(map(self.plain, args))
        options = {name: self.plain(value) for name, value in kwargs.items()}
        _require_no_symbols(plain, options)
        out = kwargs.get("out")
        returned = function(*plain, **options)
        if out is not None:
            self._written(out)
            self.calls.append(RecordedCall(function, "", plain, options))
            return out
        if isinstance(returned, tuple | list):
            raise NotRecordedError(f"calls np.{function.__name__}, which returns several arrays")
        result = self.result(returned)
        self.calls.append(RecordedCall(function, "", plain, options, (result.view(np.ndarray),)))
        return result

    def draw(self, generator: np.random.Generator, number: int, name: str) -> Callable[..., Any]:
        """Return a method of a random stream that records its calls."""
        method = getattr(generator, name)
        if not callable(method):
            raise NotRecordedError(f"reads the attribute {name} of its random stream")

        def drawing(*args: Any, **kwargs: Any) -> Any:
            plain = tuple(map(self.plain, args))
            options = {key: self.plain(value) for key, value in kwargs.items()}
            _require_no_symbols(plain, options)
            drawn = method(*plain, **options)
            outputs: tuple[Array, ...] = ()
            result = drawn
            if name == "shuffle":
                self._written(args[0])
            elif kwargs.get("out") is not None:
                self._written(kwargs["out"])
                result = kwargs["out"]
            else:
                result = self.result(drawn)
                outputs = (result.view(np.ndarray),)
            self.calls.append(RecordedCall(name, "", plain, options, outputs, number))
            return result

        return drawing

    def copy(self, to: Any, source: Any, casting: str = "same_kind", where: Any = True) -> None:
        """Copy values into an array, as `np.copyto`, and record it."""
        target, values, mask = self._written(to), self.plain(source), self.plain(where)
        _require_no_symbols((values,), {})
        np.copyto(target, values, casting=casting, where=mask)  # type: ignore[arg-type]
        options = {"casting": casting} | ({} if mask is True else {"where": mask})
        self.calls.append(RecordedCall(np.copyto, "", (target, values), options))

    def copied(self, array: RecordedArray, plain: Array) -> RecordedArray:
        """Return a new array, which holds the values of an array, as its copy."""
        result = self.array(plain)
        target = plain if plain.shape == array.shape else plain.reshape(array.shape)
        options = {"casting": "unsafe"}
        self.calls.append(RecordedCall(np.copyto, "", (target, self.plain(array)), options))
        return result


RECORDED_WHOLE = {
    *(np.where, np.einsum, np.dot, np.vdot, np.inner, np.tensordot, np.concatenate, np.take),
    *(np.argsort, np.sort, np.argmax, np.argmin, np.cumsum, np.cumprod, np.searchsorted),
    *(np.linalg.norm, np.linalg.qr, np.linalg.solve, np.linalg.inv, np.linalg.cholesky),
    *(np.interp, np.convolve, np.take_along_axis, np.put_along_axis, np.repeat, np.tile, np.roll),
}
"""Functions whose calls are recorded instead of the calls that they make: they are not written in
Python, or compute in other ways than by ufuncs. The shapes of their results depend on no values."""

VALUE = "needs the value of an array while it runs"
_NEEDS_VALUE = refusal(VALUE)


def _recorded_whole(function: Any) -> Callable[..., Any]:
    """Return the method of arrays that does the same as a function of NumPy."""

    def method(self: RecordedArray, *args: Any, **kwargs: Any) -> Any:
        return self._recording.call_whole(function, (self, *args), kwargs)

    return method


class RecordedArray(np.ndarray[Any, Any]):
    """An array that records the operations on it, in `recording`; views of it do the same."""

    recording: Recording

    def __array_finalize__(self, source: Any) -> None:
        """Pass the recording on to views."""
        recording = getattr(source, "recording", None)
        if recording is not None:
            self.recording = recording

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record a ufunc's call."""
        return self._recording.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Record a function's call."""
        return self._recording.call_function(func, args, kwargs)

    @property
    def _recording(self) -> Recording:
        try:
            return self.recording
        except AttributeError:
            raise NotRecordedError("computes an array in a way that is not recorded") from None

    @property
    def _plain(self) -> Array:
        return self.view(np.ndarray)

    def __getitem__(self, key: Any) -> Any:
        """Return a view, or a recorded copy if an index is an array."""
        if _is_basic(key):
            element = self._plain[key]
            if not isinstance(element, np.ndarray):
                element = self._plain[(*(key if isinstance(key, tuple) else (key,)), ...)]
            return self._recording._wrapped(element)
        if _has_mask(key):
            raise NotRecordedError("selects elements by a mask, so that values decide the shape")
        return self._recording.call_whole(operator.getitem, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        """Copy values into a view, or record the assignment if an index is an array."""
        if _is_basic(key):
            view = self[key]
            if not (isinstance(value, RecordedArray) and _are_same(view, value)):
                self._recording.copy(view, value, casting="unsafe")
            return
        recording = self._recording
        if _is_mask(key, self.shape) and np.ndim(value) == 0:
            recording.copy(self, value, casting="unsafe", where=key)
            return
        arguments: Any = recording._written(self), recording.plain(key), recording.plain(value)
        _require_no_symbols(arguments, {})
        operator.setitem(*arguments)
        recording.calls.append(RecordedCall(operator.setitem, "", arguments))

    def __iter__(self) -> Iterator[Any]:
        """Yield views."""
        return (self[index] for index in range(len(self)))

    def fill(self, value: Any) -> None:
        """Record a fill."""
        self._recording.copy(self, value, casting="unsafe")

    def copy(self, order: Any = "C") -> Any:
        """Return a recorded copy."""
        return self._recording.copied(self, self._plain.copy(order))

    def flatten(self, order: Any = "C") -> Any:
        """Return a recorded copy as one axis."""
        if order != "C":
            raise NotRecordedError("flattens an array in another order than C")
        return self.copy().reshape(-1)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a recorded copy of another type."""
        converted = self._plain.astype(dtype, *args, **kwargs)
        if np.may_share_memory(converted, self):
            return self
        return self._recording.copied(self, converted)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """Return a view if possible, else a recorded copy."""
        reshaped = self._plain.reshape(*shape, **kwargs)
        if not reshaped.size or np.may_share_memory(reshaped, self):
            return self._recording._wrapped(reshaped)
        if kwargs.get("order", "C") != "C":
            raise NotRecordedError("reshapes an array in another order than C")
        return self._recording.copied(self, np.ascontiguousarray(reshaped))

    def ravel(self, order: Any = "C") -> Any:
        """Return a view as one axis if possible, else a recorded copy."""
        return self.reshape(-1, order=order)

    take, repeat, cumsum = map(_recorded_whole, (np.take, np.repeat, np.cumsum))
    argsort, argmax, argmin = map(_recorded_whole, (np.argsort, np.argmax, np.argmin))
    dot = _recorded_whole(np.dot)

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __contains__ = _NEEDS_VALUE
    __format__ = __str__ = __repr__ = __reduce__ = __reduce_ex__ = __deepcopy__ = _NEEDS_VALUE
    item = tolist = tobytes = dump = dumps = tofile = nonzero = compress = _NEEDS_VALUE
    sort = partition = argpartition = searchsorted = byteswap = choose = put = resize = refusal(
        "calls a method of arrays that is not recorded"
    )
    trace = cumprod = diagonal = setfield = getfield = sort
    flat = property(refusal("uses the attribute flat of an array, which is not recorded"))
    data = property(_NEEDS_VALUE)


class RecordedGenerator:
    """A random stream whose draws are recorded."""

    def __init__(self, recording: Recording, generator: Any, number: int) -> None:
        self._recording, self._generator, self._number = recording, generator, number

    def __getattr__(self, name: str) -> Any:
        return self._recording.draw(self._generator, self._number, name)


def _is_basic(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    kinds = (int, np.integer, slice, type(None), type(...))
    return all(isinstance(part, kinds) and not isinstance(part, bool) for part in parts)


def _is_mask(key: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(key, np.ndarray) and key.dtype == bool and key.shape == shape


def _has_mask(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return any(np.asarray(part).dtype.kind == "b" for part in parts if not _is_basic(part))


def _are_same(first: Array, second: Array) -> bool:
    """Return whether two arrays are the same view, as the two sides of `x[…] += 1` are."""
    interfaces = [array.view(np.ndarray).__array_interface__ for array in (first, second)]
    return interfaces[0] == interfaces[1] and first.strides == second.strides


def _require_no_symbols(args: Any, kwargs: dict[str, Any]) -> None:
    if any(isinstance(argument, Symbol) for argument in (*args, *kwargs.values())):
        raise NotRecordedError("gives a number that changes with the step to a function of NumPy")
