"""Stand-ins for components that lock what these may only read, and spoil what they must fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from declnet import (
    Array,
    Layer,
    LayerState,
    OptimizerState,
    Parameter,
    Workspace,
    error_message,
    error_place,
    verified,
)
from declnet.testing.checking import (
    CheckFailed,
    ReadOnlyWrittenError,
    StateReplacedError,
    calling,
)
from declnet.testing.trial import copied, poison

Call = Callable[[], object]
"""A call of a training step."""


class Watched:
    """A wrapper that the graph takes for the wrapped component; traits override its attributes."""

    def __init__(self, component: Any, **traits: Any) -> None:
        self.component, self.traits = component, traits

    @property  # type: ignore[misc]  # read, never set
    def __class__(self) -> Any:
        """The class of the component, by which its contract is found."""
        return type(self.component)

    def __getattr__(self, name: str) -> Any:
        return self.traits[name] if name in self.traits else getattr(self.component, name)

    def _call(self, method: str, *arguments: Any, read: Mapping[str, Any]) -> None:
        """Call a method of the component, which may only read some arrays; None counts as none."""
        call = partial(getattr(self.component, method), *arguments)
        locked = {name: array for name, array in read.items() if array is not None}
        call_locked(method, partial(_watching_states, method, call, arguments), locked)


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
        super().__init__(layer, **traits)
        self.spoiled, self._traits_of = spoiled, traits_of
        self._parameters, self._workspace = dict[str, Parameter](), dict[str, Workspace]()

    def with_input_info(self, inputs: Any) -> WatchedLayer:
        """Watch the layer that knows its inputs."""
        self.component = verified(Layer.with_input_info, self.component, inputs)
        return self

    def parameters(self, input_shape: Any) -> dict[str, Parameter]:
        """Return the layer's parameters, without penalties, and those of the trait `added`."""
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
        """Return no limits: what the kit draws is not checked before evaluations."""
        return ()

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Run forward, with x and what it may not change of its parameters locked."""
        if not any(state is argument for argument in self.forward_arguments):
            for name, declared in self._workspace.items():
                if declared.fill is None:
                    poison(getattr(state, name), self.spoiled)
        self.forward_arguments, read = (x, y, state), named("x", x)
        self._spoil([y], read.values())
        state.measuring = self.measuring
        read_only = self._unwritable(state, all=state.frozen or not state.training)
        stream = state.rng.bit_generator.state
        self._call("forward", x, y, state, read=read | read_only)
        self.has_drawn = state.rng.bit_generator.state != stream

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Run backward, with everything except dx, the gradients and the workspace locked.

        What forward read and wrote is spoiled unless it is needed, as another layer might do.
        """
        self.backward_arguments, read = (x, y, dy, dx, state), named("x", x) | {"y": y, "dy": dy}
        seen_x, seen_y, _ = self.forward_arguments
        self._spoil([*named("x", seen_x).values(), seen_y], read.values())
        self._spoil([*named("dx", dx).values(), *vars(state.grad).values()], [dy])
        self._call("backward", x, y, dy, dx, state, read=read | self._unwritable(state, all=True))

    def _spoil(self, arrays: Sequence[Array], needed: Any) -> None:
        """Fill arrays that are floats and share no memory with those to keep."""
        others = [array for array in needed if array is not None]
        for array in arrays:
            if array.dtype.kind == "f" and not any(np.may_share_memory(array, k) for k in others):
                poison(array, self.spoiled)

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
        poison(losses, self.spoiled)
        self._call("forward", y_pred, y_true, losses, read={"y_pred": y_pred, "y_true": y_true})

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Run backward; y_pred and y_true are locked."""
        poison(dy_pred, self.spoiled)
        self._call("backward", y_pred, y_true, dy_pred, read={"y_pred": y_pred, "y_true": y_true})
        self.dy_pred = copied(dy_pred)


class WatchedOptimizer(Watched):
    """An optimizer with the trait `constant_rate`, whose scratch is spoiled each time."""

    def rate(self, step: int, total: int) -> float:  # noqa: ARG002
        """Return the trait's rate."""
        return float(self.constant_rate)

    def update(self, w: Array, dw: Array, state: Any, learning_rate: float, step: int) -> None:
        """Run update."""
        for array in state.scratch:
            array.fill(np.nan)
        self._call("update", w, dw, state, learning_rate, step, read={})


def named(name: str, arrays: Any) -> dict[str, Array]:
    """Return arrays by name, with their position if in a tuple; None is left out."""
    if not isinstance(arrays, tuple):
        return {} if arrays is None else {name: arrays}
    return {f"{name}[{i}]": array for i, array in enumerate(arrays) if array is not None}


def _watching_states(method: str, call: Callable[[], object], arguments: tuple[Any, ...]) -> None:
    """Make a call; raise StateReplacedError if it sets an attribute of a state."""
    states: dict[str, Any] = {}
    for argument in arguments:
        if isinstance(argument, LayerState | OptimizerState):
            states |= {"state": argument, "state.grad": getattr(argument, "grad", argument)}
    handed = {where: dict(vars(state)) for where, state in states.items()}
    call()
    for where, state in states.items():
        for name, value in vars(state).items():
            if value is not handed[where].get(name):
                fault = f"sets {where}.{name}"
                advice = "declare it, and write into the array that is there, e.g. with out="
                raise StateReplacedError(f"{method} {fault}; {advice}", fault)


def call_locked(what: str, call: Callable[[], Any], arrays: Mapping[str, Array]) -> Any:
    """Call a component while it may only read some arrays; `what` names the call in messages.

    Raises ReadOnlyWrittenError if it writes to one of them, CheckFailed if it raises anything else.
    """
    try:
        with calling(what), _locked(arrays.values()):
            return call()
    except CheckFailed as failure:
        error = failure.__cause__
        if type(failure) is CheckFailed and error is not None and _is_refused_write(error):
            if _is_refused(call):  # read-only without the lock, so which one cannot be tried
                names = [name for name, array in arrays.items() if not array.flags.writeable]
            else:
                names = [name for name, array in arrays.items() if _is_refused(call, array)][:1]
            if names:
                fault = f"{what} writes to {' or '.join(names)}, which it may only read"
                advice = "write to the arrays it must fill, or to its own"
                message = f"{fault} ({error_place(error)}); {advice}"
                raise ReadOnlyWrittenError(message, fault) from error
        raise


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
    text = error_message(error)
    return isinstance(error, ValueError | TypeError) and ("read-only" in text or "readonly" in text)
