"""The hyperbolic tangent."""

import numpy as np

from declnet import Array, Layer, LayerState, Shape, Workspace


class Tanh(Layer):
    """y = tanh(x), from -1 to 1; dy/dx = 1 - y**2.

    x, y: (n, *shape). The same as PyTorch's `Tanh` and Keras's `tanh`.
    """

    type = "tanh"
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """The slope dy/dx."""
        return {"slope": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = tanh(x)."""
        np.tanh(x, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (1 - y**2)."""
        if dx is not None:
            np.multiply(y, y, out=state.slope)
            np.subtract(1, state.slope, out=state.slope)
            np.multiply(dy, state.slope, out=dx)
