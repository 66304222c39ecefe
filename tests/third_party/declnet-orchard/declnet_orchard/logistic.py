"""A layer without parameters, whose output range is known."""

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange


class Logistic(Layer):
    """y = 1 / (1 + exp(-x)), computed with tanh, which does not overflow."""

    type = "logistic"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(0, 1)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = (1 + tanh(x / 2)) / 2."""
        np.multiply(x, 0.5, out=y)
        np.tanh(y, out=y)
        np.add(y, 1, out=y)
        np.multiply(y, 0.5, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * y * (1 - y)."""
        if dx is not None:
            np.multiply(dy, y * (1 - y), out=dx)
