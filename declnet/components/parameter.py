"""What a layer asks the graph to allocate: parameters and buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from declnet.components.arrays import Shape
from declnet.components.initializer import Initializer
from declnet.components.regularizer import Regularizer


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
