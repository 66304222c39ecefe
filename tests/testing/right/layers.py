"""Correct layers."""

from types import MappingProxyType
from typing import Annotated

import numpy as np
from pydantic import Field

from declnet import Layer, Parameter, Schedule, Scheduled


class Doubled(Layer):
    """y = 2 * x."""

    type = "doubled"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        np.multiply(x, 2, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, 2, out=dx)


class Times(Layer):
    """y = factor * x, with a factor for each step."""

    type = "times"
    backward_needs = frozenset()

    factor: Annotated[float | Schedule, Scheduled(ge=0, le=8)] = Field(
        default=2.0, description="it"
    )

    def forward(self, x, y, state):
        np.multiply(x, self.factor_now(state) if state.training else 1, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, self.factor_now(state), out=dx)

    def factor_now(self, state):
        return state.now.factor


class Rounded(Doubled):
    """y = round(x), with the gradient of y = x."""

    type = "rounded"
    expected_failures = MappingProxyType({"gradient_of_inputs": "a straight-through gradient"})

    def forward(self, x, y, state):
        np.rint(x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx[...] = dy


class Square(Layer):
    """y = x * x."""

    type = "square"
    backward_needs = frozenset({"x"})

    def forward(self, x, y, state):
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            self.fill_dx(x, dy, dx)

    def fill_dx(self, x, dy, dx):
        np.multiply(dy, 2 * x, out=dx)


class Exponential(Layer):
    """y = exp(x)."""

    type = "exponential"
    backward_needs = frozenset({"y"})

    def forward(self, x, y, state):
        np.exp(x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y, out=dx)


class Shift(Layer):
    """y = x + shift, with one number per feature."""

    type = "shift"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"shift": Parameter(input_shape, initializer="zeros")}

    def forward(self, x, y, state):
        np.add(x, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        self.fill_gradient(dy, state)
        if dx is not None:
            np.copyto(dx, dy)

    def fill_gradient(self, dy, state):
        np.sum(dy, axis=0, out=state.grad.shift)


class Noise(Layer):
    """y = x + noise in training."""

    type = "noise"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        y[...] = x + self.draw(x.shape, state) if state.training else x

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)

    def draw(self, shape, state):
        return state.rng.normal(size=shape)


class Rectifier(Layer):
    """y = max(x, 0)."""

    type = "rectifier"
    backward_needs = frozenset({"y"})
    in_place = True

    def forward(self, x, y, state):
        np.maximum(x, 0, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, y > 0, out=dx)


class Logarithm(Square):
    """y = log(x), for positive x."""

    type = "logarithm"
    in_place = True

    def forward(self, x, y, state):
        np.log(x, out=y)

    def fill_dx(self, x, dy, dx):
        np.divide(dy, x, out=dx)


class WithoutAxes(Layer):
    """y = the sum of each sample: (n, features) to (n,)."""

    type = "without_axes"
    backward_needs = frozenset()
    example_shapes = ((4,),)

    def output_shape(self, input_shape):
        return ()

    def forward(self, x, y, state):
        np.sum(x, axis=1, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy[:, None])


class Plus(Layer):
    """y = x_1 + x_2 + …"""

    type = "plus"
    n_inputs = None
    adds_inputs = True
    is_linear = True
    backward_needs = frozenset()

    def forward(self, x, y, state):
        np.sum(x, axis=0, out=y)

    def backward(self, x, y, dy, dx, state):
        for gradient in dx:
            if gradient is not None:
                np.copyto(gradient, dy)


class VectorScale(Layer):
    """y = x * weights, only for vectors, which the inherited output_shape does not check."""

    type = "vector_scale"

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, initializer="ones")}

    def forward(self, x, y, state):
        np.multiply(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("nf,nf->f", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)
