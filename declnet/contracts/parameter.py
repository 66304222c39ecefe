"""What a layer keeps: parameters with their initializers and regularizers, workspace, and state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component


class Initializer(Component):
    """Fills a parameter before training."""

    kind = "initializer"
    required_methods = ("fill",)

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """Overwrites all of `w`.

        Args:
            w: the parameter, of any float type.
            rng: the layer's own stream; the only source of randomness to use.
            fan_in: the number of inputs to each unit.
            fan_out: the number of outputs of each input.
        """
        raise NotImplementedError


class Regularizer(Component):
    """A penalty and its gradient."""

    kind = "regularizer"
    required_methods = ("penalty", "add_gradient")

    def penalty(self, w: Array) -> float:
        """The penalty of a parameter, added to the mean data loss."""
        raise NotImplementedError

    def add_gradient(self, w: Array, dw: Array) -> None:
        """Adds the penalty's gradient to `dw`, in place."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parameter:
    """An array that a layer keeps from step to step, and mostly trains.

    Attributes:
        shape: its shape; parameters have no batch axis.
        initializer: an `Initializer`, a name such as `"zeros"`, or a table with a type.
        regularizer: adds a penalty to the loss; only for trainable parameters.
        trainable: whether the optimizer updates it. A running mean, say, is not trainable: the
            layer writes it itself, it is saved with the weights and has no gradient.
        role: what it does to its input: a `weight` multiplies and sums, a `bias` is added, a
            `scale` multiplies number by number.
        fan_in: inputs to each unit, for initializers; default by shape: `shape[0]` of a matrix,
            the product of all but the first axis from three axes on.
        fan_out: outputs of each input; default: `shape[1]` of a matrix, `shape[0]` times the
            receptive field from three axes on.
    """

    shape: Shape
    initializer: Initializer | str | dict[str, Any]
    regularizer: Regularizer | None = None
    trainable: bool = True
    role: Literal["weight", "bias", "scale"] = "weight"
    fan_in: int | None = None
    fan_out: int | None = None


@dataclass(frozen=True)
class Workspace:
    """Working memory of a layer, allocated once.

    Attributes:
        shape: the shape of one sample if `per_sample`, else the whole shape.
        dtype: a NumPy dtype or its name; default: the model's float type.
        per_sample: whether a batch axis comes first.
        fill: what it holds before the first step; default: anything.
        constant: whether it always holds `fill`: it is read-only, and layers share its memory.
    """

    shape: Shape
    dtype: Any = None
    per_sample: bool = True
    fill: float | None = None
    constant: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError if it is constant and does not say what it holds."""
        if self.constant and self.fill is None:
            raise ValueError("a constant buffer needs a fill")


class Gradients:
    """The gradients of a layer's trainable parameters, under the parameters' names."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


class LayerState:
    """A layer's arrays: each parameter and buffer is an attribute of its name.

    Attributes:
        grad: the gradients to fill, under the names of the trainable parameters.
        training: whether this is a training step rather than an evaluation or a prediction.
        rng: the layer's own random stream, seeded by the run's seed and the layer's position.
    """

    def __init__(self, rng: np.random.Generator, training: bool) -> None:
        self.grad = Gradients()
        self.training = training
        self.rng = rng

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


class OptimizerState:
    """An optimizer's arrays for one slice of the parameters, each an attribute of its name.

    Attributes:
        scratch: two more arrays of that size, for intermediate results.
    """

    def __init__(self, scratch: tuple[Array, Array]) -> None:
        self.scratch = scratch

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


RESERVED = frozenset({"grad", "training", "rng"})
"""Names that a layer's parameters and buffers cannot have."""
