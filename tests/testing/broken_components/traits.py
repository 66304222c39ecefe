"""Layers whose outputs are not as they declare."""

import numpy as np

from declnet import Layer, OutputRange

from .memory import Doubled


class Gain(Layer):
    """y = exp(x), which has no upper bound."""

    type = "gain"
    backward_needs = frozenset({"y"})
    output_range = OutputRange(0, 1)

    def forward(self, x, y, state):
        np.exp(x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y, out=dx)


class SeparateSigmoids(Layer):
    """y = 1 / (1 + exp(-x)), number by number, said to be one distribution."""

    type = "separate_sigmoids"
    backward_needs = frozenset({"y"})
    output_range = OutputRange(0, 1, sums_to_one=True)

    def forward(self, x, y, state):
        np.divide(1, 1 + np.exp(-x), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y * (1 - y), out=dx)


class DoubledInRange(Doubled):
    """y = 2 * x, said to be in the range of x."""

    type = "doubled_in_range"
    output_range = "input"


class LinearSquare(Layer):
    """y = x * x, said to be linear."""

    type = "linear_square"
    backward_needs = frozenset({"x"})
    is_linear = True

    def forward(self, x, y, state):
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2 * x, out=dx)


WRONG = {
    Gain: "stays_in_its_output_range",
    SeparateSigmoids: "stays_in_its_output_range",
    DoubledInRange: "stays_in_its_output_range",
    LinearSquare: "is_linear_if_it_says_so",
}
