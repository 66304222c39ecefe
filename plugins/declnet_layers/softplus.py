"""The smooth rectifier."""

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, Shape, Workspace


class Softplus(Layer):
    """y = log(1 + exp(beta * x)) / beta, above 0; dy/dx = 1 - exp(-beta * y).

    x, y: (n, *shape). PyTorch's `Softplus(beta)` takes y = x where beta * x > 20, its `threshold`,
    and so is up to 2e-9 / beta smaller there; here the formula holds everywhere. Keras's `softplus`
    has a beta of 1.

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", NeurIPS 2000.
    """

    type = "softplus"
    examples = ({}, {"beta": 2.0})
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"

    beta: float = Field(default=1.0, gt=0, description="the larger, the sharper the bend at 0")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """The slope dy/dx; forward works in it, too."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x, 0) + log(1 + exp(-beta * |x|)) / beta: nothing overflows."""
        bend = state.slope
        np.absolute(x, out=bend)
        np.multiply(bend, -self.beta, out=bend)
        np.exp(bend, out=bend)
        np.log1p(bend, out=bend)
        np.divide(bend, self.beta, out=bend)
        np.maximum(x, 0, out=y)
        np.add(y, bend, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (1 - exp(-beta * y)), which is the sigmoid of beta * x."""
        if dx is not None:
            slope = state.slope
            np.multiply(y, -self.beta, out=slope)
            np.expm1(slope, out=slope)
            np.negative(slope, out=slope)
            np.multiply(dy, slope, out=dx)
