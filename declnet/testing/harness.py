"""Components in the graph that users' runs have: between probes, watched, with or without kernels.

A model is a source for each input, the layers under test, and a sink or a loss, compiled by
`TrainingGraph` and `InferenceGraph`. The component under test is replaced by a watched one, which
locks what it may only read and spoils what it is to fill; the graph does not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.components.parameter import Parameter
from declnet.components.regularizer import Regularizer
from declnet.components.state import LayerState
from declnet.errors import SpecError
from declnet.graph.inference import InferenceGraph
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.nodes import Node, infer_nodes
from declnet.graph.orders import Order
from declnet.graph.parameters import view
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.registry import Registry
from declnet.testing.check import (
    CheckFailed,
    ReadOnlyWrittenError,
    StateReplacedError,
    calling,
    place_of,
)
from declnet.testing.trial import Setting, copied, poison


class _Source(Layer):
    """y = some columns of the model's input; its parameter, if it has one, receives dy."""

    type = "source"
    backward_needs = frozenset()

    start: int
    shape: tuple[int, ...]
    samples: int
    receives: bool
    regularizer: Regularizer | None

    def output_shape(self, input_shape: Shape) -> Shape:  # noqa: ARG002
        return self.shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:  # noqa: ARG002
        received = Parameter((self.samples, *self.shape), "zeros", self.regularizer)
        return {"received": received} if self.receives else {}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:  # noqa: ARG002
        y[...] = x[:, self.start : self.start + prod(self.shape)].reshape(y.shape)

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:  # noqa: ARG002
        state.grad.received[: len(dy)] = dy


class _BatchFirstSource(_Source):
    """A source that gives y in C order."""

    memory_order = "batch_first"


class _Sink(Layer):
    """y = x; the gradient of x is the one that its parameter holds."""

    type = "sink"
    backward_needs = frozenset()

    samples: int

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"slopes": Parameter((self.samples, *input_shape), "zeros", trainable=False)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:  # noqa: ARG002
        np.copyto(y, x)

    def backward(self, x: Any, y: Any, dy: Any, dx: Any, state: LayerState) -> None:  # noqa: ARG002
        if dx is not None:
            np.copyto(dx, state.slopes[: len(dx)])


class _BatchFirstSink(_Sink):
    """A sink that takes x in C order."""

    memory_order = "batch_first"


class _NoLoss(Loss):
    """losses = 0."""

    type = "no_loss"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:  # noqa: ARG002
        losses.fill(0)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:  # noqa: ARG002
        dy_pred.fill(0)


NO_LOSS = _NoLoss()


def sources(
    shapes: Sequence[Shape],
    samples: int,
    order: Order,
    wanted: Sequence[bool] = (),
    regularizer: Regularizer | None = None,
) -> list[Layer]:
    """Return a layer for each shape that gives a sample's numbers from the model's input.

    Args:
        shapes: what they give, one after the other in the model's input.
        samples: of the largest batch.
        order: in memory, of what they give.
        wanted: for each, whether it has a parameter `received`, whose gradient is that of what it
            gives; default: all.
        regularizer: of that parameter.
    """
    kind = _Source if order == "batch_last" else _BatchFirstSource
    starts = np.cumsum([0, *map(prod, shapes)]).tolist()
    return [
        kind(
            name=f"source_{i}",
            inputs=("input",),
            start=starts[i],
            shape=shape,
            samples=samples,
            receives=not wanted or wanted[i],
            regularizer=regularizer,
        )
        for i, shape in enumerate(shapes)
    ]


def sink(samples: int, order: Order) -> Layer:
    """Return a last layer "sink", whose parameter `slopes` is the gradient that it hands out."""
    return (_Sink if order == "batch_last" else _BatchFirstSink)(name="sink", samples=samples)


class ShapeRefusedError(CheckFailed):
    """A layer raised a ValueError for an input shape, before any pass."""


def infer(layers: Sequence[Layer], input_shape: Shape, registry: Registry) -> tuple[Node, ...]:
    """Infer the nodes of layers, of which one is under test.

    Raises:
        ShapeRefusedError: a layer refuses its input's shape by a ValueError.
        CheckFailed: it raises anything else, or declares what no graph can allocate.
    """
    with calling(f"what it declares for input shape {input_shape}"):
        try:
            return infer_nodes(layers, input_shape, registry)
        except SpecError as error:
            message = error.problems[0].message.partition(": ")[2]
            refused = error.problems[0].code == "E022"
            raise (ShapeRefusedError if refused else CheckFailed)(message, message) from error


class GraphHarness:
    """A model of some nodes, compiled; parameters and random streams begin anew for each batch.

    Args:
        nodes: of its layers.
        input_shape: of its input.
        setting: its capacity is the largest batch.
        loss: default: none that has a gradient.
        kernels: that may take components' places.

    Attributes:
        store: the parameters.
        initial: what parameters hold at first, by key, where that is not 0.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        input_shape: Shape,
        setting: Setting,
        loss: Any = NO_LOSS,
        kernels: Kernels | None = None,
    ) -> None:
        self.setting, self._loss, dtype = setting, loss, np.dtype(setting.dtype)
        model = Model(nodes, input_shape, dtype)
        self.store, self.initial = model.store, dict[str, Array]()
        self._graph = TrainingGraph(model, loss, setting.capacity, setting.seed, kernels)
        self._streams = [(each, each.bit_generator.state) for each in self._graph.streams()]
        self._inference = InferenceGraph(nodes, model.store, dtype, setting.capacity)
        self._bound: dict[Any, tuple[list[Array], Step]] = {}

    def place(self, x: Array, y_true: Array, weights: Array | None = None) -> None:
        """Begin a training step on a batch, whose arrays are copied.

        Args:
            x: (n, *input shape), of the setting's type.
            y_true: as the loss prepared it.
            weights: (n,), of the setting's type.
        """
        self._reset()
        given = [array for array in (x, y_true, weights) if array is not None]
        key = tuple((array.shape, array.strides, array.dtype) for array in given)
        if key not in self._bound:
            kept = [np.copy(array, order="K") for array in given]
            self._bound[key] = kept, self._graph.step(*kept)
        arrays, self._step = self._bound[key]
        for own, array in zip(arrays, given, strict=True):
            own[...] = array

    def forward(self) -> tuple[Array, Array]:
        """Run the step as far as the loss; return copies of the model's output and the losses."""
        functions = [getattr(call, "func", None) for call in self._step.calls]
        self._done = functions.index(self._loss.forward) + 1
        for call in self._step.calls[: self._done]:
            call()
        return self.outputs()

    def backward(self) -> dict[str, Array]:
        """Run the rest of the step; return copies of all gradients, by key."""
        poison(self._graph.gradient, self.setting.poison)
        for call in self._step.calls[self._done :]:
            call()
        return self.gradients()

    def step(self) -> float:
        """Run a whole step at once; return the mean loss."""
        poison(self._graph.gradient, self.setting.poison)
        return self._step.run()

    def penalty(self) -> float:
        """Return the penalties of the parameters as they are."""
        return self._graph.penalty()

    def gradients(self) -> dict[str, Array]:
        """Return copies of the gradients of all trained parameters, by key."""
        slots = [slot for slot in self.store.slots if slot.offset >= 0]
        return {slot.key: copied(view(self._graph.gradient, slot)) for slot in slots}

    def outputs(self) -> tuple[Array, Array]:
        """Return copies of the model's output and the losses of the last step."""
        return copied(self._step.y_pred), copied(self._step.losses)

    def evaluate(self, x: Array) -> Array:
        """Return the output of an evaluation."""
        self._reset()
        return copied(self._inference.predict(x))

    def states(self, x: Array, y_true: Array, forward: Any) -> list[LayerState]:
        """Return the states that a training step on a batch hands to a layer's forward."""
        calls: list[Any] = list(self._graph.step(x, y_true).calls)
        return [call.args[2] for call in calls if getattr(call, "func", None) == forward]

    def _reset(self) -> None:
        for key, array in self.store.arrays.items():
            array[...] = self.initial.get(key, 0)
        for stream, state in self._streams:
            stream.bit_generator.state = state


class Watched:
    """A component that the graph takes for the one inside.

    Args:
        component: the one inside.
        traits: attributes that it seems to have in place of its own.
    """

    def __init__(self, component: Any, traits: Mapping[str, Any] | None = None) -> None:
        self.component, self.traits = component, dict(traits or {})

    def __getattr__(self, name: str) -> Any:
        return self.traits[name] if name in self.traits else getattr(self.component, name)


class WatchedLayer(Watched):
    """A layer whose arrays are locked or spoiled around each call.

    Attributes:
        forward_arguments, backward_arguments: what the graph handed to the last call.
    """

    forward_arguments: tuple[Any, ...] = ()
    backward_arguments: tuple[Any, ...] = ()

    def __init__(self, node: Node, spoiled: float, traits: Mapping[str, Any]) -> None:
        super().__init__(node.layer, traits)
        self._node, self._spoiled = node, spoiled

    def spoil_workspace(self, state: LayerState) -> None:
        """Fill the layer's workspace, but for what it declares to hold something at first."""
        for name, declared in self._node.workspace.items():
            if declared.fill is None:
                poison(getattr(state, name), self._spoiled)

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Run forward; x is locked, as are parameters that are trained, or all in evaluation."""
        if not (state.training or any(state is each for each in self.forward_arguments)):
            self.spoil_workspace(state)
        self.forward_arguments = x, y, state
        locked = _named("x", x)
        self._spoil([y], locked.values())
        locked |= self._kept(state, trainable_only=state.training)
        call = _watching_state("forward", state, lambda: self.component.forward(x, y, state))
        call_locked("forward", call, locked)

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Run backward; everything but dx, the gradients and the workspace is locked.

        What forward read and wrote is spoiled, as another layer may have done, unless it is needed.
        """
        self.backward_arguments = x, y, dy, dx, state
        needed = _named("x", x) | _named("y", y) | {"dy": dy}
        seen_x, seen_y, _ = self.forward_arguments
        self._spoil([*_named("x", seen_x).values(), seen_y], needed.values())
        self._spoil([*_named("dx", dx).values(), *vars(state.grad).values()], [dy])
        locked = needed | self._kept(state, trainable_only=False)
        component = self.component
        call = _watching_state("backward", state, lambda: component.backward(x, y, dy, dx, state))
        call_locked("backward", call, locked)

    def _spoil(self, arrays: Sequence[Array], kept: Any) -> None:
        """Fill arrays that are floats and share no memory with those to keep."""
        for array in arrays:
            if array.dtype.kind == "f" and not any(np.may_share_memory(array, k) for k in kept):
                poison(array, self._spoiled)

    def _kept(self, state: LayerState, *, trainable_only: bool) -> dict[str, Array]:
        """The parameters that may not be written, and the constants of the workspace."""
        node = self._node
        names = [
            name for name, each in node.parameters.items() if each.trainable or not trainable_only
        ]
        names += [name for name, each in node.workspace.items() if each.constant]
        return {f"state.{name}": getattr(state, name) for name in names}


class WatchedLoss(Watched):
    """A loss whose arrays are locked or spoiled around each call.

    Attributes:
        dy_pred: a copy of what the last backward filled.
    """

    dy_pred: Array

    def __init__(self, loss: Any, spoiled: float) -> None:
        super().__init__(loss)
        self._spoiled = spoiled

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Run forward; y_pred and y_true are locked."""
        poison(losses, self._spoiled)
        locked = {"y_pred": y_pred, "y_true": y_true}
        call_locked("forward", lambda: self.component.forward(y_pred, y_true, losses), locked)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Run backward; y_pred and y_true are locked."""
        poison(dy_pred, self._spoiled)
        locked = {"y_pred": y_pred, "y_true": y_true}
        call_locked("backward", lambda: self.component.backward(y_pred, y_true, dy_pred), locked)
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
        update = self.component.update
        with calling("update"):
            _watching_state("update", state, lambda: update(w, dw, state, learning_rate, step))()


def _named(name: str, arrays: Any) -> dict[str, Array]:
    """Arrays by name, those of a tuple with their positions; what is None is left out."""
    if not isinstance(arrays, tuple):
        return {} if arrays is None else {name: arrays}
    return {f"{name}[{i}]": each for i, each in enumerate(arrays) if each is not None}


def _watching_state(method: str, state: Any, call: Callable[[], object]) -> Callable[[], None]:
    """A call that raises StateReplacedError if the component sets an attribute of its state."""

    def run() -> None:
        holders = {"state": state, "state.grad": getattr(state, "grad", None)}
        handed = {(where, *item) for where, each in holders.items() for item in _identities(each)}
        call()
        for where, holder in holders.items():
            for name, identity in _identities(holder):
                if (where, name, identity) not in handed:
                    raise StateReplacedError(
                        f"{method} sets {where}.{name}; declare it, and write into the array that "
                        "the graph allocates, e.g. with out=",
                        f"sets {where}.{name}",
                    )

    return run


def _identities(holder: Any) -> list[tuple[str, int]]:
    return [(name, id(value)) for name, value in vars(holder).items()] if holder else []


def call_locked(what: str, call: Callable[[], Any], arrays: Mapping[str, Array]) -> Any:
    """Call a component while it may only read some arrays.

    Args:
        what: the call, as messages name it.
        call: the call.
        arrays: what it may only read, by name.

    Raises:
        ReadOnlyWrittenError: it writes to one of them.
        CheckFailed: it raised anything else.
    """
    try:
        with calling(what), _locked(arrays):
            return call()
    except CheckFailed as failure:
        error = failure.__cause__
        if type(failure) is CheckFailed and error is not None and _is_refused_write(error):
            for name, array in arrays.items():
                if _writes(call, {name: array}):
                    fault = f"{what} writes to {name}, which it may only read"
                    advice = "write to what it is to fill, or to an array of its own"
                    message = f"{fault} ({place_of(error)}); {advice}"
                    raise ReadOnlyWrittenError(message, fault) from error
        raise


@contextmanager
def _locked(arrays: Mapping[str, Array]) -> Iterator[None]:
    before = [(array, array.flags.writeable) for array in arrays.values()]
    for array, _ in before:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array, writeable in before:
            array.flags.writeable = writeable


def _writes(call: Callable[[], Any], arrays: Mapping[str, Array]) -> bool:
    """Whether a call writes to these arrays: whether it is refused if only they are locked."""
    try:
        with _locked(arrays):
            call()
    except Exception as error:  # what it raises is known already
        return _is_refused_write(error)
    return False


def _is_refused_write(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, ValueError | TypeError) and ("read-only" in text or "readonly" in text)
