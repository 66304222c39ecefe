"""Layer: a differentiable function of arrays, with its parameters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PlainValidator, SerializeAsAny, WithJsonSchema

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array, Count, Shape, Sizes
from declnet.contracts.component import Component
from declnet.contracts.network.inputs import InputInfo, IntegerLimit
from declnet.contracts.network.parameter import (
    RESERVED,
    LayerState,
    Parameter,
    Workspace,
    require_attributes,
)
from declnet.contracts.strict_model import LayerName, StrictModel, custom_error

InputDtype = Literal["float", "integer"]
"""Floats in the model's type, or integers as in the data."""


@dataclass(frozen=True)
class OutputRange:
    """Bounds of each number of a layer's output, whatever its input and its parameters.

    `OutputRange()` is any number, `OutputRange(low=0)` is nonnegative, `OutputRange(0, 1)` is an
    independent probability for each unit.

    Attributes:
        low: lower bound, inclusive.
        high: upper bound, inclusive.
        sums_to_one: whether the last axis of each sample sums to 1, as a distribution does.
    """

    low: float = -math.inf
    high: float = math.inf
    sums_to_one: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether some number is out of bounds."""
        return self.low > -math.inf or self.high < math.inf

    @property
    def is_probability(self) -> bool:
        """Whether every number is between 0 and 1."""
        return self.low >= 0 and self.high <= 1


class TrainableFrom(StrictModel):
    """A layer that is frozen at first: `trainable = { from_epoch = 5 }`."""

    from_epoch: int = Field(ge=1, description="the first epoch that trains the layer, from 0")


def _flag_or_table(value: Any) -> bool | TrainableFrom:
    """Validate `trainable` by its form, so that an error is reported once, at its key."""
    if isinstance(value, bool):
        return value
    if isinstance(value, dict | TrainableFrom):
        return TrainableFrom.model_validate(value)
    message = "must be true, false or a table with from_epoch"
    hint = "remove the quotation marks" if value in ("true", "false") else None
    raise custom_error("trainable", message, hint=hint)


Trainable = Annotated[
    SerializeAsAny[bool | TrainableFrom],
    PlainValidator(_flag_or_table),
    WithJsonSchema(
        {
            "type": ["boolean", "object"],
            "properties": {"from_epoch": {"type": "integer", "minimum": 1}},
            "required": ["from_epoch"],
        }
    ),
]
"""Whether a layer's parameters are trained, and from which epoch on."""


class Layer(Component):
    """A layer of a model: `forward` fills `y`, `backward` fills `dx` and `state.grad`.

    Shapes exclude the batch axis; arrays have it first. Arrays may be in any memory order (usually
    the batch axis is contiguous), so use ufuncs and `np.matmul` with `out=`, never a reshape that
    copies. If `n_inputs` is not 1, `x`, `dx` and input shapes are tuples.
    """

    kind = "layer"
    conformance_checks = "declnet.testing.checks.layers"
    required_methods = ("forward", "backward")
    _optional = frozenset({"trainable"})
    _spec_keys = frozenset({"layers", "repeat", "residual"})
    other_keys: ClassVar[Mapping[str, str]] = {
        "activation": "an activation is a separate layer, listed after this one",
        "input": "inputs",
        **dict.fromkeys(
            ("input_shape", "input_dim", "input_size", "in_features", "in_channels"),
            "leave it out: the size of the input follows from the data and the layers before",
        ),
    }

    backward_needs: ClassVar[frozenset[str] | set[str]] = frozenset({"x", "y"})
    """Which of `x` and `y` backward reads; it gets None for the others."""
    in_place: ClassVar[bool] = False
    """Whether `y` may share memory with `x`, and `dx` with `dy`."""
    input_dtype: ClassVar[InputDtype | tuple[InputDtype, ...]] = "float"
    """Whether `x` holds floats in the model's type, or integers as in the data. A tuple says it for
    each input; its last item is valid for all further inputs."""
    only_reshapes: ClassVar[bool] = False
    """Whether `y` holds the numbers of `x` in the same order. The graph may then use the same
    memory for both and skip forward and backward."""
    memory_order: ClassVar[Literal["batch_last", "batch_first", "any"]] = "batch_last"
    """The preferred memory order of `y` and, unless `input_order` says otherwise, of `x`: batch
    axis last, batch axis first, or `"any"`, where `y` has the order of `x`. The graph copies
    between layers whose orders differ; the model's input is never copied."""
    input_order: ClassVar[Literal["batch_last", "batch_first", "any"] | None] = None
    """The memory order of `x` if it differs from `y`'s; `"any"` accepts either."""
    mixes_samples: ClassVar[bool] = False
    """Whether a sample's output depends on the others of its batch, as in batch normalization."""
    output_range: ClassVar[OutputRange | Literal["input"] | None] = None
    """Bounds of its output; `"input"` for the bounds of its (first) input; None if unknown. The
    loss is checked against them before training."""
    is_linear: ClassVar[bool] = False
    """Whether y is an affine function of x, apart from random masks: two such layers with weights
    and nothing else between them could be merged into one."""
    adds_inputs: ClassVar[bool] = False
    """Whether `y` is the sum of its inputs, so that it can close residual blocks."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """Input shapes for the conformance kit; default: the usual shapes that the layer accepts."""
    n_inputs: ClassVar[int | None] = 1
    """Number of inputs; None for any number of at least one."""

    name: LayerName | None = Field(
        default=None,
        description="unique in the model; default: its type and count, e.g. dense_1",
    )
    inputs: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description='earlier layers, or inputs: "input", "input.NAME"; default: the layer before',
    )
    trainable: Trainable = Field(
        default=True, description="false freezes the layer, { from_epoch = 5 } until that epoch"
    )
    weights_from: str | None = Field(
        default=None, description="an earlier layer of this type, whose parameters it uses"
    )

    def with_input_info(self, inputs: tuple[InputInfo, ...]) -> Self:  # noqa: ARG002
        """Return this layer with what it learns from its inputs; default: unchanged.

        Override this to depend on more than the shapes that the other methods get, e.g. on how many
        levels a category has. Called once, before `output_shape`; keep what is learned in a private
        attribute of a copy.

        Args:
            inputs: what is known about each input, even if there is only one.

        Raises:
            ValueError: the layer cannot take such inputs; the message says why and what to do.
        """
        return self

    def output_shape(self, input_shape: Any) -> Sizes:
        """Return the shape of `y` for an input shape; default: the same.

        Raises:
            ValueError: the layer cannot take that shape; the message says why and what to do.
        """
        if self.n_inputs == 1:
            shape: Shape = input_shape
            return shape
        first: Shape = input_shape[0]
        if any(other != first for other in input_shape):
            raise ValueError(f"{self.type} takes inputs of one shape, not {input_shape}")
        return first

    def parameters(self, input_shape: Any) -> dict[str, Parameter]:  # noqa: ARG002
        """Return the arrays to train (or to keep), by name; available as `state.<name>`."""
        return {}

    def verify_parameters(self, parameters: dict[str, Parameter], *_: Any) -> None:
        """Raise Misfit for a name that cannot be an attribute of the state."""
        require_attributes(parameters, RESERVED)

    def workspace(self, input_shape: Any) -> dict[str, Workspace]:  # noqa: ARG002
        """Return working memory by name, allocated once; available as `state.<name>`."""
        return {}

    def verify_workspace(self, workspace: dict[str, Workspace], *_: Any) -> None:
        """Raise Misfit for a name that cannot be an attribute of the state."""
        require_attributes(workspace, RESERVED)

    def integer_limits(self, input_shape: Any) -> tuple[IntegerLimit | None, ...]:  # noqa: ARG002
        """Return the integers that it takes from each input; default: (), any integers.

        The data is compared with them before training and before predictions.

        Returns:
            An item for each input, in order; None, or an item missing at the end, for no limit.
        """
        return ()

    def verify_integer_limits(
        self, limits: tuple[IntegerLimit | None, ...], input_shape: Any
    ) -> None:
        """Raise Misfit for more limits than inputs."""
        inputs = 1 if self.n_inputs == 1 else len(input_shape)
        if len(limits) > inputs:
            raise Misfit.of(limits, f"a tuple of up to {inputs} IntegerLimit or None")

    def numpy_calls(self, input_shape: Any) -> Count:  # noqa: ARG002
        """Return about how many NumPy calls forward and backward make in a training step.

        `kernels = "auto"` estimates by them how long a training takes with NumPy. Override this if
        they are more than about 30, as in a loop over steps. Default: 8.
        """
        return 8

    def multiplications(self, input_shape: Any) -> Count:  # noqa: ARG002
        """Return the multiplications of a sample in matrix products without weights, in forward.

        `kernels = "auto"` adds them to those with weights, which it counts itself. Default: 0.
        """
        return 0

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Fill all of `y` from `x`; write to nothing else except the workspace."""
        raise NotImplementedError

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Overwrite `dx` and each array of `state.grad` with the gradients given `dy`.

        `dx` is None if it is not needed. `dy` may be overwritten only as `dx`, if they share memory
        (see `in_place`).
        """
        raise NotImplementedError


def input_dtypes(layer: Layer, count: int) -> tuple[InputDtype, ...]:
    """Return for each of a layer's inputs whether it holds floats or integers."""
    declared = layer.input_dtype
    if not isinstance(declared, tuple):
        return (declared,) * count
    return (*declared, *declared[-1:] * count)[:count]


class Elementwise(Layer):
    """An elementwise layer, y = f(x); a component implements the function and its derivative.

    By default the derivative may read `x` and `y`. A component whose derivative depends on y alone
    sets `backward_needs = frozenset({"y"})`, which frees x. If `value` may also overwrite x (it
    reads nothing of x once it has begun to fill y), it sets `in_place = True` as well.
    """

    kind = "layer"
    conformance_checks = "declnet.testing.checks.layers"
    required_methods = ("value", "derivative")
    memory_order = "any"

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """Fill y with f(x).

        Args:
            x: (n, *shape), only read.
            y: (n, *shape), may share x's memory if `in_place`.
            scratch: (n, *shape), with arbitrary contents; for intermediate results.
        """
        raise NotImplementedError

    def derivative(self, x: Any, y: Any, slope: Array) -> None:
        """Fill slope with f'(x).

        Args:
            x: (n, *shape); None unless in `backward_needs`.
            y: f(x); None unless in `backward_needs`.
            slope: (n, *shape), with arbitrary contents.
        """
        raise NotImplementedError

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return the workspace for f'(x), which is also the scratch of `value`."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Compute y = f(x)."""
        self.value(x, y, state.slope)

    def backward(self, x: Any, y: Any, dy: Array, dx: Array | None, state: LayerState) -> None:
        """Compute dx = dy * f'(x)."""
        if dx is not None:
            self.derivative(x, y, state.slope)
            np.multiply(dy, state.slope, out=dx)
