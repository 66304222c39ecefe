"""A plugin with the layer `snake`."""

import numpy as np

from declnet import Array, Elementwise, Register, hookimpl


class Snake(Elementwise):
    """y = x + sin(x)**2."""

    type = "snake"

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """Return y."""
        np.sin(x, out=scratch)
        np.multiply(scratch, scratch, out=scratch)
        np.add(x, scratch, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        """Return the slope, 1 + sin(2 * x)."""
        np.multiply(x, 2, out=slope)
        np.sin(slope, out=slope)
        np.add(slope, 1, out=slope)


@hookimpl
def declnet_register(register: Register) -> None:
    """Register the layer."""
    register(Snake)
