"""Layers whose gradients are wrong."""

import numpy as np

from declnet import Layer, Parameter


class HalvedInputGradient(Layer):
    """y = x * x."""

    type = "halved_input_gradient"
    backward_needs = frozenset({"x"})

    def forward(self, x, y, state):
        np.multiply(x, x, out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(x, dy, out=dx)


class WrongInOneElement(HalvedInputGradient):
    """y = x * x, but the slope of each sample's last feature is turned round."""

    type = "wrong_in_one_element"

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(x, dy, out=dx)
            np.multiply(dx, 2, out=dx)
            np.negative(dx[..., -1], out=dx[..., -1])


class UnscaledParameterGradient(Layer):
    """y = 3 * x * weights, one weight a feature."""

    type = "unscaled_parameter_gradient"
    backward_needs = frozenset({"x"})

    def parameters(self, input_shape):
        return {"weights": Parameter(input_shape, initializer="ones")}

    def forward(self, x, y, state):
        np.multiply(x, state.weights, out=y)
        np.multiply(y, 3, out=y)

    def backward(self, x, y, dy, dx, state):
        np.einsum("n...,n...->...", x, dy, out=state.grad.weights)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)
            np.multiply(dx, 3, out=dx)


class AveragedParameterGradient(Layer):
    """y = x + shift, but the gradient of the shift is a mean instead of a sum."""

    type = "averaged_parameter_gradient"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"shift": Parameter(input_shape, initializer="zeros")}

    def forward(self, x, y, state):
        np.add(x, state.shift, out=y)

    def backward(self, x, y, dy, dx, state):
        np.mean(dy, axis=0, out=state.grad.shift)
        if dx is not None:
            np.copyto(dx, dy)


class AddedParameterGradient(AveragedParameterGradient):
    """y = x + shift, but the gradient is added to the previous content."""

    type = "added_parameter_gradient"

    def backward(self, x, y, dy, dx, state):
        state.grad.shift += dy.sum(axis=0)
        if dx is not None:
            np.copyto(dx, dy)


class AddedInputGradient(HalvedInputGradient):
    """y = x * x, but dx is added to."""

    type = "added_input_gradient"

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx += 2 * x * dy


WRONG = {
    HalvedInputGradient: "gradient_of_inputs",
    WrongInOneElement: "gradient_of_inputs",
    UnscaledParameterGradient: "gradient_of_parameters",
    AveragedParameterGradient: "gradient_of_parameters",
    AddedParameterGradient: "overwrites_outputs",
    AddedInputGradient: "overwrites_outputs",
}
