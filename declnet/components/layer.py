"""Layer: a differentiable function of arrays, with its parameters."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from declnet.components.arrays import Array, Shape
from declnet.components.component import Component
from declnet.components.output_range import OutputRange
from declnet.components.parameter import Parameter, Workspace
from declnet.components.readable_name import LayerName
from declnet.components.state import LayerState


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
