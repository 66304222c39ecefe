"""An activation of a third party for declnet: written once, in NumPy, without a kernel."""

import numpy as np
from declnet import Array, Elementwise, OutputRange


class Softsign(Elementwise):
    """y = x / (1 + abs(x)), from -1 to 1; dy/dx = (1 - abs(y))**2.

    x, y: (n, *shape).
    """

    type = "softsign"
    backward_needs = frozenset({"y"})
    output_range = OutputRange(-1, 1)

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = x / (1 + abs(x))."""
        np.absolute(x, out=scratch)
        np.add(scratch, 1, out=scratch)
        np.divide(x, scratch, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:  # noqa: ARG002  # the contract's
        """Slope = (1 - abs(y))**2."""
        np.absolute(y, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(slope, slope, out=slope)
