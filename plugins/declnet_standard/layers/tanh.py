"""The hyperbolic tangent."""

import numpy as np

from declnet import Array, Elementwise, OutputRange


class Tanh(Elementwise):
    """y = tanh(x), from -1 to 1; dy/dx = 1 - y**2.

    x, y: (n, *shape). The same as PyTorch's `Tanh` and Keras's `tanh`.
    """

    type = "tanh"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(-1, 1)

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = tanh(x)."""
        np.tanh(x, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = 1 - y**2."""
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)
