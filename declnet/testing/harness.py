"""Harness for components in the same graph as in a real run, with or without kernels.

A model is a probe for each input, the layers under test, and a probe or a loss, compiled by
`TrainingGraph` and `InferenceGraph`. The component under test is wrapped in a watched one, which
locks what it may only read and spoils what it must fill; the graph does not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.network.inputs import UNNAMED, Batch, InputInfo, as_input_infos
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.parameter import LayerState, OptimizerState, Parameter, Regularizer
from declnet.errors import SpecError, error_message
from declnet.graph.inference import InferenceGraph
from declnet.graph.kernels import Kernels
from declnet.graph.memory_plan import Order
from declnet.graph.model import Model
from declnet.graph.parameters import view
from declnet.graph.shapes import Network, Node, infer_network
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.registry import Registry
from declnet.spec.heads import Head
from declnet.testing.check import (
    CheckFailed,
    ReadOnlyWrittenError,
    StateReplacedError,
    calling,
    place_of,
)
from declnet.testing.trial import Setting, copied, poison


class _Probe(Layer):
    """A layer whose y is some columns of x, whose dx is `slopes`, and whose `received` gets dy."""

    type = "probe"
    backward_needs = frozenset()

    samples: int
    shape: tuple[int, ...] | None = None
    start: int = 0
    receives: bool = True
    regularizer: Regularizer | None = None

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape if self.shape is None else self.shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = self.output_shape(input_shape)
        received = Parameter((self.samples, *shape), "zeros", self.regularizer)
        slopes = Parameter((self.samples, *input_shape), "zeros", trainable=False)
        return {"slopes": slopes} | ({"received": received} if self.receives else {})

    def forward(self, x: Array, y: Array, state: LayerState) -> None:  # noqa: ARG002
        columns = slice(self.start, self.start + prod(y.shape[1:]))
        y[...] = x.reshape(len(x), -1)[:, columns].reshape(y.shape)

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:  # noqa: ARG002
        if self.receives:
            state.grad.received[: len(dy)] = dy
        if dx is not None:
            dx[...] = state.slopes[: len(dx)]


class _BatchFirstProbe(_Probe):
    """A probe whose x and y are in C order."""

    memory_order = "batch_first"


def probe(order: Order, **fields: Any) -> Layer:
    """Return a neighbor of the layers under test, for input and output in a memory order.

    Its parameter `slopes` is the gradient of x. Its fields are `name`, `inputs`; `samples`, the
    largest batch size; `shape` of y, default: the shape of x; `start`, the column of x where y
    begins; `receives`, whether it has a parameter `received` whose gradient is dy; `regularizer`
    of that parameter.
    """
    return (_Probe if order == "batch_last" else _BatchFirstProbe)(**fields)


class _NoLoss(Loss):
    """A loss that is always 0."""

    type = "no_loss"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:  # noqa: ARG002
        losses.fill(0)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:  # noqa: ARG002
        dy_pred.fill(0)


NO_LOSS = _NoLoss()


TOTAL = 100
"""Steps of a training."""


class ShapeRefusedError(CheckFailed):
    """A layer raised a ValueError for an input shape, before any pass."""


def infer(
    layers: Sequence[Layer], inputs: Shape | Mapping[str, InputInfo], registry: Registry
) -> tuple[Node, ...]:
    """Infer the nodes of layers, one of which is under test.

    Raises ShapeRefusedError if a layer rejects its input's shape with a ValueError, CheckFailed if
    it raises anything else, or declares something that cannot be allocated.
    """
    shapes = [info.shape for info in as_input_infos(inputs).values()]
    with calling(f"what it declares for input shape {shapes[0]}"):
        try:
            return infer_network(layers, inputs, registry).nodes
        except SpecError as error:
            message = error.problems[0].message.partition(": ")[2]
            refused = error.problems[0].code == "E022"
            raise (ShapeRefusedError if refused else CheckFailed)(message, message) from error


class GraphHarness:
    """A compiled model; parameters and random streams are reset for each batch.

    `store` has the parameters, `initial` their initial values by key, if not 0. `step` is the
    step of the next batch, out of `TOTAL`, for scheduled fields.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        inputs: Shape | Mapping[str, InputInfo],
        setting: Setting,
        loss: Any = NO_LOSS,
        kernels: Kernels | None = None,
    ) -> None:
        self.setting, self._loss, dtype = setting, loss, np.dtype(setting.dtype)
        self._network = Network.of(nodes, inputs)
        model = Model(self._network, dtype)
        self.store, self.initial = model.store, dict[str, Array]()
        self.step = 1
        heads = (Head(UNNAMED, loss),)
        self._graph = TrainingGraph(model, heads, setting.capacity, setting.seed, kernels, TOTAL)
        self._streams = [(stream, stream.bit_generator.state) for stream in self._graph.streams()]
        self._bound: dict[Any, tuple[list[Array], Step]] = {}

    def place(self, x: Batch, y_true: Array, weights: Array | None = None) -> None:
        """Begin a training step on a batch, which is copied."""
        self._reset()
        self._graph.schedules.begin(self.step)
        weighted = () if weights is None else (weights,)
        given: list[Any] = [*x.values(), y_true, *weighted]
        key = tuple((array.shape, array.strides, array.dtype) for array in given)
        if key not in self._bound:
            kept = [np.copy(array, order="K") for array in given]
            own_x, (own_y, *own_weights) = dict(zip(x, kept, strict=False)), kept[len(x) :]
            self._bound[key] = kept, self._graph.step(own_x, [own_y], *own_weights)
        arrays, self._bound_step = self._bound[key]
        for own, array in zip(arrays, given, strict=True):
            own[...] = array

    def forward(self) -> tuple[Array, Array]:
        """Run the step as far as the loss; return copies of the model's output and the losses."""
        calls = self._bound_step.calls
        functions = [getattr(call, "func", None) for call in calls]
        ends = [i for i, each in enumerate(functions, 1) if each == self._loss.forward]
        self._done = ends[0] if ends else len(calls)  # a kernel computes both directions
        for call in calls[: self._done]:
            call()
        head = self._bound_step.heads[0]
        return copied(head.y_pred), copied(head.losses)

    def backward(self) -> dict[str, Array]:
        """Run the rest of the step; return copies of all gradients, by key."""
        for call in self._bound_step.calls[self._done :]:
            call()
        return self.gradients()

    def gradients(self) -> dict[str, Array]:
        """Return copies of the gradients of all trained parameters, by key."""
        slots = [slot for slot in self.store.slots if slot.offset >= 0]
        return {slot.key: copied(view(self._graph.gradient, slot)) for slot in slots}

    def untrained(self) -> dict[str, Array]:
        """Return copies of the parameters that layers write themselves, by key."""
        slots = [slot for slot in self.store.slots if slot.offset < 0]
        return {slot.key: self.store.arrays[slot.key].copy() for slot in slots}

    def mean_loss(self) -> float:
        """Run the whole step; return the weighted mean loss of the samples."""
        return self._bound_step.run()

    def penalty(self) -> float:
        """Return the penalties of the current parameters."""
        return self._graph.penalty()

    def evaluate(self, x: Batch) -> Array:
        """Return the output of an evaluation."""
        self._reset()
        return copied(self._inference.predict(x)[0])

    @cached_property
    def _inference(self) -> InferenceGraph:
        return InferenceGraph(self._network, self.store, self.setting.capacity)

    def _reset(self) -> None:
        for key, array in self.store.arrays.items():
            array[...] = self.initial.get(key, 0)
        for stream, state in self._streams:
            stream.bit_generator.state = state
        poison(self._graph.gradient, self.setting.poison)


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
    """A layer whose arrays are locked or spoiled around each call."""

    forward_arguments: tuple[Any, ...] = ()
    backward_arguments: tuple[Any, ...] = ()
    measuring = False

    def __init__(self, node: Node, spoiled: float, **traits: Any) -> None:
        super().__init__(node.layer, **traits)
        self._node, self._spoiled = node, spoiled

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Run forward, with x and what it may not change of its parameters locked."""
        if not any(state is argument for argument in self.forward_arguments):
            for name, declared in self._node.workspace.items():
                if declared.fill is None:
                    poison(getattr(state, name), self._spoiled)
        self.forward_arguments, read = (x, y, state), named("x", x)
        self._spoil([y], read.values())
        state.measuring = self.measuring
        kept = self._kept(state, all=state.frozen or not state.training)
        self._call("forward", x, y, state, read=read | kept)

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Run backward, with everything except dx, the gradients and the workspace locked.

        What forward read and wrote is spoiled unless it is needed, as another layer might do.
        """
        self.backward_arguments, read = (x, y, dy, dx, state), named("x", x) | {"y": y, "dy": dy}
        seen_x, seen_y, _ = self.forward_arguments
        self._spoil([*named("x", seen_x).values(), seen_y], read.values())
        self._spoil([*named("dx", dx).values(), *vars(state.grad).values()], [dy])
        self._call("backward", x, y, dy, dx, state, read=read | self._kept(state, all=True))

    def _spoil(self, arrays: Sequence[Array], kept: Any) -> None:
        """Fill arrays that are floats and share no memory with those to keep."""
        others = [each for each in kept if each is not None]
        for array in arrays:
            if array.dtype.kind == "f" and not any(np.may_share_memory(array, k) for k in others):
                poison(array, self._spoiled)

    def _kept(self, state: LayerState, *, all: bool) -> dict[str, Array]:  # noqa: A002
        """Return the parameters that may not be written, and the constants of the workspace."""
        parameters, workspace = self._node.parameters.items(), self._node.workspace.items()
        names = [name for name, each in parameters if each.trainable or all]
        names += [name for name, each in workspace if each.constant]
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
    """An optimizer whose rate is the trait `given_rate`, and whose scratch is spoiled each time."""

    def rate(self, step: int, total: int) -> float:  # noqa: ARG002
        """Return the given rate."""
        return float(self.given_rate)

    def update(self, w: Array, dw: Array, state: Any, learning_rate: float, step: int) -> None:
        """Run update."""
        for array in state.scratch:
            array.fill(np.nan)
        self._call("update", w, dw, state, learning_rate, step, read={})


class WatchedMetric(Watched):
    """A metric that may only read its arguments."""

    def update(self, state: Any, y_pred: Array, y_true: Array) -> None:
        """Run update."""
        self._call("update", state, y_pred, y_true, read={"y_pred": y_pred, "y_true": y_true})


def named(name: str, arrays: Any) -> dict[str, Array]:
    """Return arrays by name, with their position if in a tuple; None is left out."""
    if not isinstance(arrays, tuple):
        return {} if arrays is None else {name: arrays}
    return {f"{name}[{i}]": each for i, each in enumerate(arrays) if each is not None}


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
                message = f"{fault} ({place_of(error)}); {advice}"
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
