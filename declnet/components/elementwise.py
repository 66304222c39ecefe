"""Elementwise: the base of layers that apply one function to each number."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.layer import Layer
from declnet.components.parameter import Workspace
from declnet.components.state import LayerState


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
