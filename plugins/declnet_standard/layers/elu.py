"""The exponential linear unit."""

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace


class ELU(Layer):
    """y = x where x > 0, alpha * (exp(x) - 1) elsewhere.

    dy/dx = 1 where y > 0, y + alpha elsewhere. x, y: (n, *shape). The same as PyTorch's `ELU` and
    Keras's `ELU`.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)", ICLR 2016, arXiv:1511.07289.
    """

    type = "elu"
    examples = ({}, {"alpha": 0.5})
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"
    output_range = OutputRange()  # from -alpha, which differs

    alpha: float = Field(default=1.0, ge=0, description="-alpha is the limit for negative x")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the slope dy/dx, also used by forward, and its step at 0, if any."""
        names = ("slope",) if self.alpha == 1 else ("slope", "step")
        return {name: Workspace(input_shape) for name in names}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x, 0) + alpha * (exp(min(x, 0)) - 1)."""
        negative = state.slope
        np.minimum(x, 0, out=negative)
        np.expm1(negative, out=negative)
        np.multiply(negative, self.alpha, out=negative)
        np.maximum(x, 0, out=y)
        np.add(y, negative, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (min(y, 0) + alpha + (1 - alpha where y > 0))."""
        if dx is None:
            return
        slope = state.slope
        np.minimum(y, 0, out=slope)
        np.add(slope, self.alpha, out=slope)
        if self.alpha != 1:
            np.greater(y, 0, out=state.step)
            np.multiply(state.step, 1 - self.alpha, out=state.step)
            np.add(slope, state.step, out=slope)
        np.multiply(dy, slope, out=dx)
