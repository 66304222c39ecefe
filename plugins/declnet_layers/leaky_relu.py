"""The rectifier that leaks."""

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, Shape, Workspace


class LeakyReLU(Layer):
    """y = x where x > 0, negative_slope * x elsewhere, so that no unit dies.

    x, y: (n, *shape). At 0 the gradient is `negative_slope`. PyTorch's `LeakyReLU` is the same, but
    takes any slope; Keras's starts from a `negative_slope` of 0.3.

    Source: Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models",
    ICML 2013.
    """

    type = "leaky_relu"
    examples = ({}, {"negative_slope": 0.2})
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"

    negative_slope: float = Field(default=0.01, ge=0, le=1, description="slope where x <= 0")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """The slope dy/dx; forward works in it, too."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x, negative_slope * x), for a slope of at most 1."""
        np.multiply(x, self.negative_slope, out=state.slope)
        np.maximum(x, state.slope, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * max(1 where y > 0, negative_slope); y has the sign of x."""
        if dx is not None:
            np.greater(y, 0, out=state.slope)
            np.maximum(state.slope, self.negative_slope, out=state.slope)
            np.multiply(dy, state.slope, out=dx)
