"""The Gaussian error linear unit."""

from math import pi, sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace

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

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls of the approximation."""
        return 18 if self.approximation == "tanh" else 44

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


NUMERATOR = (
    3.52624965998911e-2,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
DENOMINATOR = (
    8.83883476483184e-2,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)
FAR = 40
"""Beyond this the tail is 0 even in float64."""


def fill_normal_tail(a: Array, tail: Array, density: Array) -> None:
    """tail = Phi(-a) and density = exp(-a**2 / 2) / sqrt(2 pi), for a from 0 to FAR.

    Phi(-a) = erfc(a / sqrt(2)) / 2 = exp(-a**2 / 2) * P(a) / Q(a), with the polynomials of
    NUMERATOR and DENOMINATOR. The absolute error is at most 2e-16, the relative one 1e-8 up to
    a = 7: P / Q tends to 1 / (a * sqrt(2 pi)) like the true ratio. All coefficients are positive,
    so nothing cancels, and float32 keeps its 7 digits.

    Source of P and Q: J. F. Hart et al., "Computer Approximations", Wiley 1968, ERFC 5666, as given
    by G. West, "Better Approximations to Cumulative Normal Functions", Wilmott Magazine, May 2005,
    who uses it up to a = 7.07.
    """
    _fill_polynomial(a, NUMERATOR, tail)
    _fill_polynomial(a, DENOMINATOR, density)
    np.divide(tail, density, out=tail)
    np.multiply(a, a, out=density)
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)
    np.multiply(tail, density, out=tail)
    np.multiply(density, 1 / sqrt(2 * pi), out=density)


def _fill_polynomial(a: Array, coefficients: tuple[float, ...], out: Array) -> None:
    """Evaluate a polynomial by Horner's rule, from the highest power."""
    first, *rest, last = coefficients
    np.multiply(a, first, out=out)
    for coefficient in rest:
        np.add(out, coefficient, out=out)
        np.multiply(out, a, out=out)
    np.add(out, last, out=out)
