"""Models of the component under test, between layers of the kit, and their training steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

import declnet
from declnet import Array, InputInfo, Layer, LayerState, Loss, Model, Parameter, Registry, Shape
from declnet.testing.checking import CheckFailed, calling
from declnet.testing.trial import Order, Setting, poison


class _Zeros(declnet.Initializer):
    """w = 0."""

    type = "zeros"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:  # noqa: ARG002
        w.fill(0)


ZEROS = _Zeros()


class _Probe(Layer):
    """A layer whose y has the numbers of x, whose dx is `slopes`, and whose `received` gets dy."""

    type = "probe"
    backward_needs = frozenset()

    samples: int
    shape: tuple[int, ...] | None = None
    receives: bool = True
    regularizer: declnet.Regularizer | None = None

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape if self.shape is None else self.shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = self.output_shape(input_shape)
        received = Parameter((self.samples, *shape), ZEROS, self.regularizer)
        slopes = Parameter((self.samples, *input_shape), ZEROS, trainable=False)
        return {"slopes": slopes} | ({"received": received} if self.receives else {})

    def forward(self, x: Array, y: Array, state: LayerState) -> None:  # noqa: ARG002
        y[...] = x.reshape(y.shape)

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
    largest batch size; `shape` of y, default: the shape of x; `receives`, whether it has a
    parameter `received` whose gradient is dy; `regularizer` of that parameter.
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


class _Parameters(Layer):
    """A layer of nothing but parameters, y = x, whose gradients are left as they are."""

    type = "parameters"

    shapes: tuple[tuple[str, Literal["weight", "bias", "scale"], tuple[int, ...]], ...]

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:  # noqa: ARG002
        return {name: Parameter(shape, ZEROS, role=role) for name, role, shape in self.shapes}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:  # noqa: ARG002
        y[...] = x

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Leave the gradients as they are."""


TOTAL = 100
"""Steps of a training."""


class ShapeRefusedError(CheckFailed):
    """A layer raised a ValueError for an input shape, before any pass."""


def is_refusal(failure: CheckFailed) -> bool:
    """Return whether a component failed by a ValueError, perhaps for data that it cannot take."""
    return type(failure) is CheckFailed and isinstance(failure.__cause__, ValueError)


def build(
    layers: Sequence[Layer],
    inputs: Shape | Mapping[str, InputInfo],
    registry: Registry,
    dtype: str = "float64",
) -> Model:
    """Build a model, one of whose layers is under test.

    Raises ShapeRefusedError if a layer rejects its input's shape with a ValueError, CheckFailed if
    it raises anything else, or declares something that cannot be allocated.
    """
    first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
    shape = first.shape if isinstance(first, InputInfo) else inputs
    with calling(f"what it declares for input shape {shape}"):
        spec = declnet.ModelSpec(layers=tuple(layers), dtype=dtype)
        try:
            return declnet.build_model(spec, inputs, seed=7, registry=registry)
        except declnet.SpecError as error:
            message = error.problems[0].message.partition(": ")[2]
            refused = error.problems[0].code == "E022"
            raise (ShapeRefusedError if refused else CheckFailed)(message, message) from error


def model_of_parameters(parameters: Sequence[declnet.ParameterInfo], dtype: str) -> Model:
    """Build a model with nothing but parameters, all of one layer."""
    shapes = tuple((info.name.partition(".")[2], info.role, info.shape) for info in parameters)
    name = parameters[0].name.partition(".")[0]
    return build([_Parameters(name=name, shapes=shapes)], (1,), Registry(), dtype)


class ModelHarness:
    """Training steps of a model, whose parameters and random streams are reset for each batch.

    `initial` has the parameters' values at the beginning of a step by key, if not 0; `number` is
    the number of the next step, out of `TOTAL`, for scheduled fields; `spoiled` is what gradients
    hold before.
    """

    def __init__(
        self, model: Model, setting: Setting, loss: Any = NO_LOSS, kernels: Registry | None = None
    ) -> None:
        self.model, self.spoiled = model, setting.spoiled
        self.step = declnet.TrainingStep(
            model, loss, setting.capacity, setting.seed, kernels=kernels, total=TOTAL
        )
        self.initial, self.number = dict[str, Array](), 1

    def begin(self, x: Mapping[str, Array], y_true: Array, weights: Array | None = None) -> None:
        """Begin a step on a batch."""
        self._reset()
        self.step.begin(x, y_true, weights, self.number)

    def calls(self, x: Mapping[str, Array], y_true: Array) -> Sequence[Callable[[], object]]:
        """Make a step on a batch, as in a training; return its calls."""
        self.begin(x, y_true)
        with calling("a step"):
            self.step.forward()
            self.step.backward()
        return self.step.calls

    def evaluate(self, x: Mapping[str, Array]) -> Array:
        """Return the model's output in an evaluation."""
        self._reset()
        y: Array = self.model.predict(x)
        return y

    def _reset(self) -> None:
        for key, array in self.step.parameters.items():
            array[...] = self.initial.get(key, 0)
        poison(self.step.gradient, self.spoiled)
