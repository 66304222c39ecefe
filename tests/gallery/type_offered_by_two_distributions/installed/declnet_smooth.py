"""Another plugin with a layer that is called mish."""

import numpy as np

from declnet import Array, Elementwise, Register, hookimpl


class Mish(Elementwise):
    """y = x * tanh(log(1 + exp(x)))."""

    type = "mish"

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """As the equation says."""
        np.logaddexp(0, x, out=scratch)
        np.tanh(scratch, out=scratch)
        np.multiply(x, scratch, out=y)

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        """Tanh(s) + x * (1 - tanh(s)^2) / (1 + exp(-x)) with s = log(1 + exp(x))."""
        factor = np.tanh(np.logaddexp(0, x))
        slope[:] = factor + x * (1 - factor**2) / (1 + np.exp(-x))


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers the layer."""
    register(Mish)
