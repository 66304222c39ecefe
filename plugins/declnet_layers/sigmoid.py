"""The logistic sigmoid."""

import numpy as np

from declnet import Array, Layer, LayerState, Shape, Workspace
from declnet_layers.logistic import fill_logistic


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), from 0 to 1; dy/dx = y * (1 - y).

    x, y: (n, *shape). The same as PyTorch's `Sigmoid` and Keras's `sigmoid`.
    """

    type = "sigmoid"
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """The slope dy/dx; forward works in it, too."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = 1 / (1 + exp(-x))."""
        fill_logistic(x, y, state.slope)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * y * (1 - y)."""
        if dx is not None:
            np.subtract(1, y, out=state.slope)
            np.multiply(state.slope, y, out=state.slope)
            np.multiply(dy, state.slope, out=dx)
