"""The replay of a component's NumPy calls by compiled code.

A call is recorded once, on copies of its arrays. The recorded calls and the component are then
compared on several fillings of the copies; only if all bits agree are the recorded calls translated
to assignments and to NumPy's own inner loops, bound to the arrays themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import (
    Array,
    ClipValue,
    Component,
    Kernel,
    Layer,
    LayerState,
    Optimizer,
    OptimizerState,
    OptimizerUpdate,
    RecordedMethod,
    error_message,
)
from declnet_plugins.jit.fusion.fused import Fusible, fused
from declnet_plugins.jit.replay.draws import native_draw
from declnet_plugins.jit.replay.loops import Loop, native_call
from declnet_plugins.jit.replay.lowering import Step, lowered
from declnet_plugins.jit.replay.matrices import products
from declnet_plugins.jit.replay.scheduled import CurrentValues, itself, scheduled_fields
from declnet_plugins.jit.replay.shadow import FILLINGS, Shadow
from declnet_plugins.recording.program import Assignment, address_of
from declnet_plugins.recording.recording import RecordedCall, RecordedGenerator, Recording
from declnet_plugins.recording.symbols import (
    IN_PYTHON,
    NotRecordedError,
    NotTranslatedError,
    Symbol,
    place_of,
)

Call = Callable[[], object]

METHODS = ("forward", "backward", "update", "add_gradient")
"""The methods of components that are recorded, besides all methods of kernels."""


@dataclass(frozen=True, eq=False)
class Replay:
    """The result of recording a call.

    Attributes:
        parts: what does the same, in order: assignments, loops and calls; None if it is unknown.
        python: descriptions of the calls from Python, each to follow "it".
        problem: the reason for the lack of parts, to follow "it"; else None.
        recorded: the component's method, if the call is one.
    """

    parts: tuple[Part, ...] | None = None
    python: tuple[str, ...] = ()
    problem: str | None = None
    recorded: RecordedMethod | None = None


def joined(parts: Sequence[Part]) -> tuple[Call, ...]:
    """Return parts as calls: neighboring loops as one native call, and assignments fused."""
    calls: list[Call] = []
    loops: list[Loop] = []
    for part in (*fused(parts), None):
        if isinstance(part, list):
            loops += part
            continue
        if loops:
            calls.append(native_call(loops))
            loops = []
        if part is not None:
            calls.append(part)
    return tuple(calls)


def replay(call: Call, exact: bool = False) -> Replay:
    """Return what becomes of a call.

    Args:
        exact: whether it must give NumPy's bits, in all arrays, and not only up to rounding.
        call: a `functools.partial` of a ufunc, of a function of NumPy, of a method of a component
            in `METHODS`, or of any method of a kernel, on the arrays and states that it computes
            with each time; or an `OptimizerUpdate` or `ClipValue`.
    """
    if isinstance(call, ClipValue):
        limit, clipped = call.maximum, call.gradient
        call = partial(np.clip, clipped, -limit, limit, out=clipped)
    if isinstance(call, OptimizerUpdate):
        arrays = call.w, call.dw, call.state, call.rate, call.step
        call = partial(call.optimizer.update, *arrays)  # type: ignore[arg-type]  # arrays (1,)
    if not isinstance(call, partial) or not _is_suitable(call.func):
        return Replay(problem="is neither a call of NumPy nor of a component's method")
    owner = getattr(call.func, "__self__", None)
    if isinstance(owner, Component) and not owner.recordable:
        return Replay(problem="is declared with recordable = False")
    try:
        with np.errstate(all="ignore"):
            return _Attempt(call).replay(exact)
    except NotRecordedError as error:
        return Replay(problem=f"{error}{place_of(error, Path(__file__).parent)}")


def _still_agrees(call: partial[object], recorded: Sequence[Call]) -> bool:
    """Return whether a call still does what was recorded, with what its arrays hold now."""
    with np.errstate(all="ignore"):
        return _Attempt(call).agrees_with(recorded)


def _is_suitable(function: Any) -> bool:
    """Return whether a function is one of NumPy, or a method of a component that is recorded."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, Component):
        known = isinstance(owner, Kernel)
        return known or any(getattr(owner, name, None) == function for name in METHODS)
    is_ufunc = isinstance(function, np.ufunc) or isinstance(owner, np.ufunc)
    return is_ufunc or hasattr(function, "_implementation")


class _Attempt:
    """The attempt to replay a call: its arguments, and copies of them."""

    def __init__(self, call: partial[object]) -> None:
        self._bound_call = call
        self._function, self._names = call.func, tuple(call.keywords)
        self._arguments = (*call.args, *call.keywords.values())
        owner = getattr(call.func, "__self__", None)
        self._counts_steps = isinstance(owner, Optimizer)
        self._scheduled, now = scheduled_fields(owner, self._arguments)
        self._shadow = Shadow((*self._arguments, now))
        *self._plain, self._now = self._shadow.arguments(
            (*self._arguments, now), lambda array: array, lambda stream, _: stream
        )
        self._let_read(self._plain, [array.item for array in self._now])

    def replay(self, exact: bool) -> Replay:
        """Record the call, compare what was recorded with it, and translate that."""
        self._fill(0)
        recorded, key = self._recorded(), self._key()
        if key not in _AGREED:
            if not self._agrees([self._in_python(call, original=False) for call in recorded]):
                return Replay(problem=DIFFERS)
            _AGREED.add(key)
        steps: list[Step | Call] = []
        reasons: list[str] = []
        for call in recorded:
            try:
                steps += self._native(call, exact)
            except NotTranslatedError as error:
                steps.append(self._in_python(call, original=True))
                reasons.append(str(error))
        if recorded and len(reasons) == len(recorded):
            return Replay(problem="; ".join(dict.fromkeys(reasons)))
        owner, method = getattr(self._function, "__self__", None), None
        if isinstance(owner, Component):
            repeated = [self._in_python(call, original=True) for call in recorded]
            agrees = partial(_still_agrees, self._bound_call, repeated)
            method = RecordedMethod(owner, self._function.__name__, agrees)
        return Replay(tuple(self._grouped(steps, exact)), tuple(reasons), recorded=method)

    def _key(self) -> tuple[object, ...]:
        """Return what two calls have in common that compute the same on arrays of one layout."""
        owner = getattr(self._function, "__self__", None)
        described = repr(owner) if isinstance(owner, Component) else id(owner)
        others = tuple(
            (argument.training, argument.frozen, argument.measuring)
            if isinstance(argument, LayerState)
            else repr(argument)
            for argument in self._arguments
            if not isinstance(argument, np.ndarray | OptimizerState | tuple | list)
        )
        name = getattr(self._function, "__name__", repr(self._function))
        return type(owner), described, name, self._names, others, self._shadow.layout()

    def _grouped(self, steps: Sequence[Step | Call], exact: bool) -> Iterator[Part]:
        """Yield neighboring assignments and loops together, on the arrays themselves."""
        for kind, group in groupby(steps, type):
            if kind is Assignment:
                yield self._fusible([step for step in group if isinstance(step, Assignment)], exact)
            elif kind is Loop:
                yield [self._moved(step) for step in group if isinstance(step, Loop)]
            else:
                yield from group  # type: ignore[misc]  # calls

    def _fusible(self, program: Sequence[Assignment], exact: bool) -> Fusible:
        """Return assignments on the arrays themselves; if exact, all of them are written."""
        written = tuple(
            byte_bounds(item.target)
            for item in program
            if self._shadow.original_address(address_of(item.target)) == address_of(item.target)
        )
        moved = [item.moved(self._shadow.original) for item in program]
        if exact:
            return Fusible(moved, written, keeps=self._shadow.keeps)
        owner = getattr(self._function, "__self__", None)
        scratch = tuple(map(byte_bounds, _scratch_arrays(owner, self._arguments)))
        forgotten = self._arguments[1:2] if self._counts_steps else ()
        state = [id(x) for x in self._arguments if isinstance(x, LayerState)]
        method = tuple(state), getattr(self._function, "__name__", "")
        return Fusible(moved, written, scratch, method, forgotten, self._shadow.keeps)

    def _call(self, arguments: Sequence[Any]) -> None:
        """Call the function with as many arguments as were given."""
        count = len(arguments) - len(self._names)
        self._function(*arguments[:count], **dict(zip(self._names, arguments[count:], strict=True)))

    def _called(self) -> list[Any]:
        """Return the copied arguments for the component, with the rate and step as numbers."""
        arguments = list(self._plain)
        if self._counts_steps:
            arguments[3:5] = float(arguments[3][0]), int(arguments[4][0])
        return arguments

    def _recorded(self) -> list[RecordedCall]:
        """Return the calls of NumPy that the function makes."""
        recording = Recording()
        arguments = list(
            self._shadow.arguments(
                self._arguments, recording.array, partial(RecordedGenerator, recording)
            )
        )
        if self._counts_steps:
            arguments[3:5] = recording.number(self._plain[3]), recording.count(self._plain[4])
        symbols = [recording.number(array) for array in self._now]
        states = self._let_read(arguments, [partial(itself, symbol) for symbol in symbols])
        before = [dict(vars(state)) for state in states]
        try:
            self._call(arguments)
        except Exception as error:
            message = f"raises {type(error).__name__} while it is recorded: {error_message(error)}"
            raise NotRecordedError(message) from error
        for held, state in zip(before, states, strict=True):
            for name, value in vars(state).items():
                if held.get(name, self) is not value:
                    raise NotRecordedError(f"sets the attribute {name} of its state")
        return recording.calls

    def _let_read(
        self, arguments: Sequence[Any], readers: Sequence[Callable[[], Any]]
    ) -> list[LayerState | OptimizerState]:
        """Return the states among arguments, whose fields with schedules are now read by these."""
        states = [
            argument for argument in arguments if isinstance(argument, LayerState | OptimizerState)
        ]
        for state in states:
            scheduled = dict(zip(self._scheduled, readers, strict=True))
            state.now = CurrentValues(state.now, scheduled)  # type: ignore[assignment]
        return states

    def _moved(self, loop: Loop) -> Loop:
        """Return a loop on the arrays themselves, which keeps none of the copies."""
        address = self._shadow.original_address
        keeps = tuple(keep for keep in loop.keeps if address(address_of(keep)) == address_of(keep))
        addresses = tuple(map(address, loop.addresses))
        return replace(loop, addresses=addresses, keeps=(*keeps, *self._shadow.keeps))

    def _native(self, call: RecordedCall, exact: bool) -> Sequence[Step | Call]:
        """Return what does the same as a recorded call without Python."""
        moved, calls = self._shadow.original, None
        if call.generator is not None:
            kwargs = {name: moved(value) for name, value in call.kwargs.items()}
            stream = self._shadow.stream(call.generator, original=True)
            calls = native_draw(replace(call, kwargs=kwargs), stream)
        elif call.function is np.matmul and not (exact or call.kwargs):
            calls = products(*map(moved, (*call.inputs, *call.outputs)))
        if calls is None:
            return lowered(call, exact)
        return [replace(part, keeps=(*part.keeps, *self._shadow.keeps)) for part in calls]

    def _in_python(self, call: RecordedCall, original: bool) -> Call:
        """Return what repeats a recorded call, on the arrays themselves or on the copies."""
        moved: Callable[[Any], Any] = self._shadow.original if original else itself
        function: Any = call.function
        kwargs = {name: moved(value) for name, value in call.kwargs.items()}
        outputs = tuple(map(moved, call.outputs))
        if call.generator is not None:
            function = getattr(self._shadow.stream(call.generator, original), function)
        elif call.method == "scalar":
            function = IN_PYTHON[function]
        elif call.method:
            function = getattr(function, call.method)
            if outputs:
                kwargs["out"], outputs = outputs, ()
        readers = tuple(
            x.reader(moved) if isinstance(x, Symbol) else partial(itself, moved(x))
            for x in call.inputs
        )
        return PythonCall(function, readers, kwargs, outputs, self._shadow.keeps)

    def _agrees(self, calls: Sequence[Call]) -> bool:
        """Return whether the calls and the component give the same bits for each filling."""
        shadow, compared = self._shadow, 0
        for number in range(FILLINGS):
            self._fill(number)
            before = shadow.state()
            try:
                self._call(self._called())
            except Exception:  # noqa: S112  # it does not accept such numbers
                continue
            after = shadow.state()
            shadow.restore(before)
            for call in calls:
                call()
            if not shadow.holds(after):
                return False
            compared += 1
        if not compared:
            raise NotRecordedError("raises an error for every filling of its arrays")
        return True

    def agrees_with(self, calls: Sequence[Call]) -> bool:
        """Return whether the component changes the copies as calls change the arrays themselves.

        Afterwards, the arrays and random streams are as before.
        """
        shadow = self._shadow
        before = shadow.state()
        try:
            self._call(self._called())
        except Exception:  # it does not accept what the arrays hold between two steps
            return True
        try:
            for call in calls:
                call()
            return shadow.holds(shadow.original_state())
        finally:
            shadow.restore_originals(before)

    def _fill(self, number: int) -> None:
        """Fill the copies with other numbers."""
        self._shadow.fill(number)
        if self._counts_steps:
            rate, step = self._plain[3:5]
            rate[0], step[0] = RATES[number % len(RATES)], STEPS[number % len(STEPS)]
        for array, bounds in zip(self._now, self._scheduled.values(), strict=True):
            fitting = [rate for rate in (*RATES, 0.5, 1.5, 30.0) if bounds.contains(rate)]
            if not fitting:
                raise NotRecordedError("has a schedule in a field of an unusual range")
            array[0] = fitting[number % len(fitting)]


def _shape(inputs: Any) -> Any:
    """Return the shape of a sample, or a tuple for several inputs; None if one is missing."""
    if isinstance(inputs, tuple):
        shapes = tuple(map(_shape, inputs))
        return None if None in shapes else shapes
    return inputs.shape[1:] if isinstance(inputs, np.ndarray) else None


def _scratch_arrays(owner: Any, arguments: Sequence[Any]) -> Iterator[Array]:
    """Yield the arrays that a component uses as scratch memory."""
    for state in arguments:
        if isinstance(state, OptimizerState):
            yield from state.scratch
        elif isinstance(state, LayerState) and isinstance(owner, Layer):
            shapes = [_shape(inputs) for inputs in (arguments[0], *arguments[3:4])]
            known = next((shape for shape in shapes if shape is not None), None)
            workspaces = {} if known is None else owner.workspace(known)
            for name, workspace in workspaces.items():
                array = getattr(state, name)
                if workspace.fill is None and array.size:
                    yield array


@dataclass(frozen=True, eq=False)
class PythonCall:
    """A call of NumPy that is not native.

    Attributes:
        inputs: return its arguments: arrays, constants, and numbers that change with the step.
        outputs: the array that its result is copied to, if it does not write there itself.
        keeps: the arrays whose memory it uses.
    """

    function: Callable[..., Any]
    inputs: tuple[Callable[[], Any], ...]
    kwargs: dict[str, Any]
    outputs: tuple[Array, ...]
    keeps: tuple[Array, ...]

    def __call__(self) -> None:
        """Call the function."""
        result = self.function(*(read() for read in self.inputs), **self.kwargs)
        for output in self.outputs:
            np.copyto(output, result)


Part = Fusible | list[Loop] | Call

DIFFERS = "gives other results when its calls of NumPy are repeated: it also computes without them"

_AGREED: set[tuple[object, ...]] = set()
"""Calls whose recording has given the component's bits in this process, so that it is not compared
again."""

RATES, STEPS = (0.001, 0.37, 0.02), (1, 2, 7, 1000, 41)
