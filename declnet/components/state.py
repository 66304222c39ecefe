"""What the graph hands to a component beside its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from declnet.components.arrays import Array


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
