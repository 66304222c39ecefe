"""Layer: a differentiable function of arrays, with its parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.parameter import LayerState, Parameter, Workspace
from declnet.contracts.strict_model import LayerName


@dataclass(frozen=True)
class OutputRange:
    """Bounds of each number of a layer's output, whatever its input and its parameters.

    `OutputRange()` is any number, `OutputRange(low=0)` none below 0, `OutputRange(0, 1)` a
    probability of its own for each unit.

    Attributes:
        low: no number is below this.
        high: no number is above this.
        sums_to_one: whether the numbers of each sample's last axis add up to 1: one distribution.
    """

    low: float = -math.inf
    high: float = math.inf
    sums_to_one: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether some number lies outside."""
        return self.low > -math.inf or self.high < math.inf

    @property
    def is_probability(self) -> bool:
        """Whether each number lies between 0 and 1."""
        return self.low >= 0 and self.high <= 1


class Layer(Component):
    """A layer of a model: `forward` fills `y`, `backward` fills `dx` and `state.grad`.

    Shapes exclude the batch axis; arrays have it first. Arrays may be in any memory order (mostly
    the batch axis is the contiguous one), so use ufuncs and `np.matmul` with `out=`, never a
    reshape that copies. Where `n_inputs` is not 1, `x`, `dx` and input shapes are tuples.
    """

    kind = "layer"
    required_methods = ("forward", "backward")
    renamed = {"buffers": "the method workspace() declares working memory, with Workspace"}  # noqa: RUF012

    backward_needs: ClassVar[frozenset[str] | set[str]] = frozenset({"x", "y"})
    """Which of `x` and `y` backward reads; it gets None for what is left out."""
    in_place: ClassVar[bool] = False
    """Whether `y` may be the same memory as `x`, and `dx` the same as `dy`."""
    input_dtype: ClassVar[Literal["float", "integer"]] = "float"
    """Whether `x` holds the model's floats, or integers as the data has them."""
    only_reshapes: ClassVar[bool] = False
    """Whether `y` holds the numbers of `x` in the same order, so that the graph may leave both in
    the same memory and call neither forward nor backward."""
    memory_order: ClassVar[Literal["batch_last", "batch_first", "any"]] = "batch_last"
    """The order in memory that it is fast in, of `y` and, unless `input_order` says otherwise, of
    `x`: the batch axis last (feature-major), first (sample-major), or `y` as `x` comes. The graph
    copies where neighbours differ; only the model's input comes as it is."""
    input_order: ClassVar[Literal["batch_last", "batch_first", "any"] | None] = None
    """The order of `x` where it is another than that of `y`; `"any"` takes it as it comes."""
    mixes_samples: ClassVar[bool] = False
    """Whether a sample's output depends on the others of its batch, as in batch normalization."""
    output_range: ClassVar[OutputRange | Literal["input"] | None] = None
    """Bounds of the numbers that it gives; `"input"` if they are those of its (first) input; None
    if they are not known. Losses are checked against it before training."""
    is_linear: ClassVar[bool] = False
    """Whether y is an affine function of x, apart from random masks: two such layers with weights
    and nothing else between them are one."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """Input shapes for the conformance kit; default: those of its usual ones that it accepts."""
    n_inputs: ClassVar[int | None] = 1
    """How many inputs it takes; None for any number of at least one."""

    name: LayerName | None = Field(
        default=None,
        description="unique in the model; default: its type and count, e.g. dense_1",
    )
    inputs: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description='names of layers above, or "input"; default: the layer before',
    )

    def output_shape(self, input_shape: Any) -> Shape:
        """The shape of `y` for an input shape; default: the same.

        Raises:
            ValueError: the layer cannot take that shape; the message says why and what helps.
        """
        if self.n_inputs == 1:
            shape: Shape = input_shape
            return shape
        first: Shape = input_shape[0]
        if any(other != first for other in input_shape):
            raise ValueError(f"{self.type} takes inputs of one shape, not {input_shape}")
        return first

    def parameters(self, input_shape: Any) -> dict[str, Parameter]:  # noqa: ARG002
        """The arrays to train (or to keep), by name; they appear as `state.<name>`."""
        return {}

    def workspace(self, input_shape: Any) -> dict[str, Workspace]:  # noqa: ARG002
        """Working memory by name, allocated once; it appears as `state.<name>`."""
        return {}

    def forward(self, x: Any, y: Array, state: LayerState) -> None:
        """Fills all of `y` from `x`; writes nothing else but its buffers."""
        raise NotImplementedError

    def backward(self, x: Any, y: Any, dy: Array, dx: Any, state: LayerState) -> None:
        """Overwrites `dx` and each array of `state.grad` with the gradients that `dy` implies.

        `dx` is None where nobody needs it. `dy` may be overwritten only by way of an allowed
        `dx is dy` (see `in_place`).
        """
        raise NotImplementedError


class Elementwise(Layer):
    """y = f(x), number by number: a component gives the function and its derivative.

    By default the derivative may read `x` and `y`. A component whose derivative follows from y
    alone sets `backward_needs = frozenset({"y"})`, which frees x; if `value` may also write over x
    (it reads nothing of x once it has begun to fill y), it sets `in_place = True` as well.
    """

    kind = "layer"
    required_methods = ("value", "derivative")
    memory_order = "any"

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """Fill y with f(x).

        Args:
            x: (n, *shape), only read.
            y: (n, *shape), may be x's memory if `in_place`.
            scratch: (n, *shape), holds anything; for intermediate results.
        """
        raise NotImplementedError

    def derivative(self, x: Any, y: Any, slope: Array) -> None:
        """Fill slope with f'(x).

        Args:
            x: (n, *shape); None unless `backward_needs` has it.
            y: f(x); None unless `backward_needs` has it.
            slope: (n, *shape), holds anything.
        """
        raise NotImplementedError

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """The slope f'(x), which is `value`'s scratch in forward."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = f(x)."""
        self.value(x, y, state.slope)

    def backward(self, x: Any, y: Any, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * f'(x)."""
        if dx is not None:
            self.derivative(x, y, state.slope)
            np.multiply(dy, state.slope, out=dx)
