"""Stand-ins for components that lock what these may only read, and spoil what they must fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from operator import lt
from sys import getrefcount
from typing import Any

import numpy as np

import declnet
from declnet import Array, Layer, LayerState, Parameter, Workspace, error_place, verified
from declnet.testing.checking import CheckFailed, ReadOnlyWrittenError, StateReplacedError, calling
from declnet.testing.side_effects import note_side_effect
from declnet.testing.trial import copied, poison

Call = Callable[[], object]
"""A call of a training step."""


class Watched:
    """A wrapper that the graph takes for the wrapped component; traits override its attributes.

    Args:
        component: the component.
        spoiled: what arrays hold that must not be read.
        traits: override attributes.
    """

    def __init__(self, component: Any, spoiled: float = np.nan, **traits: Any) -> None:
        self.component, self.spoiled, self.traits = component, spoiled, traits

    @property  # type: ignore[misc]  # read, never set
    def __class__(self) -> Any:
        """The class of the component, by which its contract is found."""
        return type(self.component)

    def __getattr__(self, name: str) -> Any:
        return self.traits[name] if name in self.traits else getattr(self.component, name)

    def _call(
        self, method: str, *arguments: Any, read: Mapping[str, Any], filled: Sequence[Array] = ()
    ) -> None:
        """Call a method, which may only read some arrays, after spoiling those that it fills."""
        locked = {name: array for name, array in read.items() if array is not None}
        spoil(filled, locked.values(), self.spoiled)
        call = partial(_watch_states, self.component, method, arguments)
        call_locked(method, call, locked, filled)


class WatchedLayer(Watched):
    """A layer whose arrays are locked or spoiled around each call.

    Args:
        layer: the layer.
        spoiled: what arrays hold that must not be read.
        traits_of: returns more traits for the layer and its workspace, when these are known;
            default: none.
        traits: traits that override the layer's.

    `has_drawn` says whether the last forward used the layer's random stream. The workspace is
    spoiled before a forward unless `forward_arguments`, those of the last one, have its state.
    """

    forward_arguments: tuple[Any, ...] = ()
    backward_arguments: tuple[Any, ...] = ()
    measuring = has_drawn = False

    def __init__(
        self,
        layer: Layer,
        spoiled: float,
        traits_of: Callable[[Layer, Mapping[str, Workspace]], dict[str, Any]] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(layer, spoiled, **traits)
        self._traits_of = traits_of
        self._parameters, self._workspace = dict[str, Parameter](), dict[str, Workspace]()

    def with_input_info(self, inputs: Any) -> WatchedLayer:
        """Watch the layer that knows its inputs."""
        self.component = verified(Layer.with_input_info, self.component, inputs)
        return self

    def parameters(self, input_shape: Any) -> dict[str, Parameter]:
        """Return the parameters of the layer, without penalties, and of the trait `added`."""
        self._parameters = verified(Layer.parameters, self.component, input_shape)
        added: dict[str, Parameter] = self.traits.get("added", {})
        parameters = self._parameters.items()
        return {
            name: replace(parameter, regularizer=None) for name, parameter in parameters
        } | added

    def workspace(self, input_shape: Any) -> dict[str, Workspace]:
        """Return the layer's workspace."""
        self._workspace = verified(Layer.workspace, self.component, input_shape)
        if self._traits_of is not None:  # before the graph plans its memory
            self.traits |= self._traits_of(self.component, self._workspace)
        return self._workspace

    def integer_limits(self, input_shape: Any) -> tuple[()]:  # noqa: ARG002
        """Return no limits: the kit's drawn values are not checked before evaluations."""
        return ()

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Run forward, with x and what it may not change of its parameters locked."""
        if not any(state is argument for argument in self.forward_arguments):
            for name, declared in self._workspace.items():
                if declared.fill is None:
                    poison(getattr(state, name), self.spoiled)
        self.forward_arguments, read = (x, y, state), named("x", x)
        state.measuring = self.measuring
        read |= self._unwritable(state, all=state.frozen or not state.training)
        stream = state.rng.bit_generator.state
        self._call("forward", x, y, state, read=read, filled=[y])
        self.has_drawn = state.rng.bit_generator.state != stream

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Run backward, with everything except dx, the gradients and the workspace locked.

        What forward read and wrote is spoiled unless it is needed, as another layer might do.
        """
        self.backward_arguments, read = (x, y, dy, dx, state), named("x", x) | {"y": y, "dy": dy}
        seen_x, seen_y, _ = self.forward_arguments
        spoil([*named("x", seen_x).values(), seen_y], read.values(), self.spoiled)
        filled = [*named("dx", dx).values(), *vars(state.grad).values()]
        read |= self._unwritable(state, all=True)
        self._call("backward", x, y, dy, dx, state, read=read, filled=filled)

    def _unwritable(self, state: LayerState, *, all: bool) -> dict[str, Array]:  # noqa: A002
        """Return the parameters that may not be written, and the constants of the workspace."""
        parameters, workspace = self._parameters.items(), self._workspace.items()
        names = [name for name, parameter in parameters if parameter.trainable or all]
        names += [name for name, array in workspace if array.constant]
        return {f"state.{name}": getattr(state, name) for name in names}


class WatchedLoss(Watched):
    """A loss whose arrays are locked or spoiled around each call.

    `dy_pred` is a copy of what the last backward filled.
    """

    dy_pred: Array

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Run forward; y_pred and y_true are locked."""
        read = {"y_pred": y_pred, "y_true": y_true}
        self._call("forward", y_pred, y_true, losses, read=read, filled=[losses])

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Run backward; y_pred and y_true are locked."""
        read = {"y_pred": y_pred, "y_true": y_true}
        self._call("backward", y_pred, y_true, dy_pred, read=read, filled=[dy_pred])
        self.dy_pred = copied(dy_pred)


class WatchedOptimizer(Watched):
    """An optimizer with the trait `constant_rate`, whose scratch is spoiled each time."""

    def rate(self, step: int, total: int) -> float:  # noqa: ARG002
        """Return the trait's rate."""
        return float(self.constant_rate)

    def update(self, w: Array, dw: Array, state: Any, learning_rate: float, step: int) -> None:
        """Run update."""
        self._call("update", w, dw, state, learning_rate, step, read={}, filled=state.scratch)


def spoil(arrays: Iterable[Array], needed: Iterable[Array | None], value: float) -> None:
    """Fill arrays of floats that share no memory with those to keep."""
    others = [array for array in needed if array is not None]
    for array in arrays:
        if array.dtype.kind == "f" and not any(
            np.may_share_memory(array, other) for other in others
        ):
            poison(array, value)


def named(name: str, arrays: Any) -> dict[str, Array]:
    """Return arrays by name, with their position if in a tuple; None is left out."""
    if not isinstance(arrays, tuple):
        return {} if arrays is None else {name: arrays}
    return {f"{name}[{i}]": array for i, array in enumerate(arrays) if array is not None}


def _watch_states(component: Any, method: str, arguments: tuple[Any, ...]) -> None:
    """Call a method; raise StateReplacedError if it sets an attribute of a state.

    Setting its own attributes and keeping arrays count as side effects.
    """
    states: dict[str, Any] = {}
    for argument in arguments:
        if isinstance(argument, LayerState | declnet.OptimizerState):
            states |= {"state": argument, "state.grad": getattr(argument, "grad", argument)}
    handed = {where: dict(vars(state)) for where, state in states.items()}
    attributes = dict(vars(component))
    arrays = [array for value in arguments for array in named("", value).values()]
    memory = [array for array in arrays if isinstance(array, np.ndarray)]
    memory += [array.base for array in memory if array.base is not None]
    references = [*map(getrefcount, memory)]
    getattr(component, method)(*arguments)
    if any(map(lt, references, [*map(getrefcount, memory)])):
        note_side_effect(f"keeps an array that {method} receives, whose memory is used again")
    for name in vars(component).keys() - attributes.keys():
        if not isinstance(getattr(type(component), name, None), cached_property):
            note_side_effect(f"sets self.{name}")
    for where, state in states.items():
        for name, value in vars(state).items():
            if value is not handed[where].get(name):
                fault = f"sets {where}.{name}"
                advice = "declare it, and write into the array that is there, e.g. with out="
                raise StateReplacedError(f"{method} {fault}; {advice}", fault)


def call_locked(
    what: str, call: Callable[[], Any], arrays: Mapping[str, Array], filled: Sequence[Array] = ()
) -> Any:
    """Call a component while it may only read some arrays; `what` names the call in messages.

    What it fills may be in the memory of one of these.

    Raises ReadOnlyWrittenError if it writes to one of them, CheckFailed if it raises anything else.
    """
    compared = {
        name: (array, array.tobytes())
        for name, array in arrays.items()
        if not any(np.may_share_memory(array, target) for target in filled)
    }
    place, error = "", None
    try:
        with calling(what), _locked(arrays.values()):
            result = call()
        names = [name for name, (array, held) in compared.items() if array.tobytes() != held]
    except CheckFailed as failure:
        error = failure.__cause__
        if type(failure) is not CheckFailed or error is None or not _is_refused_write(error):
            raise
        place = f" ({error_place(error)})"
        if _is_refused(call):  # read-only without the lock, so which one cannot be tried
            names = [name for name, array in arrays.items() if not array.flags.writeable]
        else:
            names = [name for name, array in arrays.items() if _is_refused(call, array)][:1]
        if not names:
            raise
    if names:
        fault = f"{what} writes to {' or '.join(names)}, which it may only read"
        message = f"{fault}{place}; write to the arrays it must fill, or to its own"
        raise ReadOnlyWrittenError(message, fault) from error
    return result


@contextmanager
def _locked(arrays: Iterable[Array]) -> Iterator[None]:
    writeable = [array for array in arrays if array.flags.writeable]
    for array in writeable:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array in writeable:
            array.flags.writeable = True


def _is_refused(call: Callable[[], Any], *arrays: Array) -> bool:
    """Return whether a call attempts a read-only write with only these arrays locked."""
    try:
        with _locked(arrays):
            call()
    except Exception as error:  # already reported
        return _is_refused_write(error)
    return False


def _is_refused_write(error: BaseException) -> bool:
    text = declnet.error_message(error)
    return isinstance(error, ValueError | TypeError) and ("read-only" in text or "readonly" in text)
