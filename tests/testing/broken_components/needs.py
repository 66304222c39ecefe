"""Layers with false declarations of what backward needs and what may be shared."""

import numpy as np

from declnet import Layer

from .memory import Doubled


class LiesAboutNeeds(Layer):
    """y = exp(x), but backward reads y, which it declares not to need."""

    type = "lies_about_needs"
    backward_needs = frozenset({"x"})

    def forward(self, x, y, state):
        np.exp(x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y, out=dx)


class LiesAboutInPlace(Layer):
    """y = x * exp(x), reading x after y is written."""

    type = "lies_about_in_place"
    backward_needs = frozenset({"x"})
    in_place = True

    def forward(self, x, y, state):
        np.exp(x, out=y)
        np.multiply(x, y, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, np.exp(x) * (1 + x), out=dx)


class LiesAboutInPlaceInBackward(Doubled):
    """y = x * exp(x), reading dy after dx is written."""

    type = "lies_about_in_place_in_backward"
    backward_needs = frozenset({"x"})
    in_place = True

    def forward(self, x, y, state):
        np.multiply(x, np.exp(x), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.exp(x, out=dx)
            np.multiply(dx, 1 + x, out=dx)
            np.multiply(dx, dy, out=dx)


class NeedsDx(Doubled):
    """y = 2 * x, but dx must be there."""

    type = "needs_dx"

    def backward(self, x, y, dy, dx, state):
        dx[...] = 2 * dy


WRONG = {
    LiesAboutNeeds: "backward_needs_is_true",
    LiesAboutInPlace: "in_place_is_true",
    LiesAboutInPlaceInBackward: "in_place_is_true",
    NeedsDx: "takes_no_dx",
}
