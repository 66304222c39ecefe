"""The Gaussian error linear unit."""

from math import pi, sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace
from declnet_standard.layers.normal_tail import FAR, fill_normal_tail

ROOT = sqrt(2 / pi)
CUBE = 0.044715


class GELU(Layer):
    """y = x * Phi(x), Phi the distribution function of the standard normal distribution.

    dy/dx = Phi(x) + x * phi(x), phi its density. With `approximation = "tanh"`, twice as
    fast and up to 5e-4 off: y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).

    x, y: (n, *shape). The same as PyTorch's `GELU(approximate=…)`; Keras's `gelu(approximate=True)`
    is "tanh", its default False is "none".

    Source: Hendrycks, Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.
    """

    type = "gelu"
    examples = ({}, {"approximation": "tanh"})
    backward_needs = frozenset()
    memory_order = "any"
    output_range = OutputRange(low=-0.18)  # its minimum is -0.17 in both forms

    approximation: Literal["none", "tanh"] = Field(
        default="none", description='"none": the exact form; "tanh": a faster one'
    )

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the slope dy/dx, passed from forward to backward, and a part of y."""
        return {"slope": Workspace(input_shape), "part": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Fill y and, in training, the slope."""
        if self.approximation == "tanh":
            _fill_by_tanh(x, y, state)
        else:
            _fill_exactly(x, y, state)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * slope."""
        if dx is not None:
            np.multiply(dy, state.slope, out=dx)


def _fill_exactly(x: Array, y: Array, state: LayerState) -> None:
    """y = max(x, 0) - a * Phi(-a), a = |x|.

    slope = 1/2 + sign(x) * (1/2 - (Phi(-a) - a * phi(a))).
    """
    a, tail, half = state.slope, state.part, y
    np.absolute(x, out=a)
    np.minimum(a, FAR, out=a)
    fill_normal_tail(a, tail, density=half)
    if state.training:
        np.multiply(half, a, out=half)
        np.subtract(half, tail, out=half)
        np.add(half, 0.5, out=half)
    np.multiply(tail, a, out=tail)
    if state.training:
        np.sign(x, out=state.slope)
        np.multiply(state.slope, half, out=state.slope)
        np.add(state.slope, 0.5, out=state.slope)
    np.maximum(x, 0, out=y)
    np.subtract(y, tail, out=y)


def _fill_by_tanh(x: Array, y: Array, state: LayerState) -> None:
    """y = x * (1 + t) / 2, t = tanh(u), u = ROOT * (x + CUBE * x**3).

    slope = (1 + t + x * (1 - t**2) * du/dx) / 2.
    """
    square, t = state.slope, state.part
    np.multiply(x, x, out=square)
    np.multiply(square, ROOT * CUBE, out=t)
    np.add(t, ROOT, out=t)
    np.multiply(t, x, out=t)
    np.tanh(t, out=t)
    if state.training:
        slope = square
        np.multiply(square, 3 * ROOT * CUBE, out=slope)
        np.add(slope, ROOT, out=slope)
        np.multiply(t, t, out=y)
        np.subtract(1, y, out=y)
        np.multiply(slope, y, out=slope)
        np.multiply(slope, x, out=slope)
        np.add(slope, t, out=slope)
        np.add(slope, 1, out=slope)
        np.multiply(slope, 0.5, out=slope)
    np.add(t, 1, out=t)
    np.multiply(t, 0.5, out=t)
    np.multiply(x, t, out=y)
