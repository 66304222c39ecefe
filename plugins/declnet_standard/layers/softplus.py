"""The smooth rectifier."""

import numpy as np
from pydantic import Field

from declnet import Array, Elementwise, OutputRange


class Softplus(Elementwise):
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
    output_range = OutputRange(low=0)

    beta: float = Field(default=1.0, gt=0, description="the larger, the sharper the bend at 0")

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = max(x, 0) + log(1 + exp(-beta * |x|)) / beta: nothing overflows."""
        np.absolute(x, out=scratch)
        np.multiply(scratch, -self.beta, out=scratch)
        np.exp(scratch, out=scratch)
        np.log1p(scratch, out=scratch)
        np.divide(scratch, self.beta, out=scratch)
        np.maximum(x, 0, out=y)
        np.add(y, scratch, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = 1 - exp(-beta * y), which is the sigmoid of beta * x."""
        np.multiply(y, -self.beta, out=slope)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
