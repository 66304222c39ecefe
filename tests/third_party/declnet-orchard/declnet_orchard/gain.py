"""A layer with parameters."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, Parameter, Regularizer, Shape


class Gain(Layer):
    """y = x * weights + biases, feature by feature."""

    type = "gain"
    examples = ({}, {"weight_initializer": "ones"})
    backward_needs = frozenset({"x"})
    is_linear = True

    weight_initializer: Initializer | str = Field(default="ones", description="start of weights")
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """A weight and a bias for each feature."""
        return {
            "weights": Parameter(
                input_shape, self.weight_initializer, self.weight_regularizer, role="scale"
            ),
            "biases": Parameter(input_shape, "zeros", role="bias"),
        }

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x * weights + biases."""
        np.multiply(x, state.weights, out=y)
        np.add(y, state.biases, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = sum x * dy, dbiases = sum dy, dx = dy * weights."""
        np.einsum("n...,n...->...", x, dy, out=state.grad.weights)
        np.sum(dy, axis=0, out=state.grad.biases)
        if dx is not None:
            np.multiply(dy, state.weights, out=dx)
