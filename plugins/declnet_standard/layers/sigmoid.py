"""The logistic sigmoid."""

import numpy as np

from declnet import Array, Elementwise, OutputRange
from declnet_standard.layers.logistic import fill_logistic


class Sigmoid(Elementwise):
    """y = 1 / (1 + exp(-x)), from 0 to 1; dy/dx = y * (1 - y).

    x, y: (n, *shape). The same as PyTorch's `Sigmoid` and Keras's `sigmoid`.
    """

    type = "sigmoid"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(0, 1)

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = 1 / (1 + exp(-x))."""
        fill_logistic(x, y, scratch)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = y * (1 - y)."""
        np.subtract(1, y, out=slope)
        np.multiply(slope, y, out=slope)
