"""The fully connected layer in neural tangent parametrization."""

from math import sqrt

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Initializer,
    Layer,
    LayerState,
    OutputRange,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_plugins.standard.initializers import Normal


class NTPDense(Layer):
    """y = x @ weights / sqrt(inputs) + biases.

    x: (n, inputs); weights: (inputs, units); biases: (units,); y: (n, units). Weights and biases
    start as N(0, 1), so that an optimizer such as Adam, whose steps do not depend on the size of a
    gradient, changes the output by as much whatever the number of inputs. Backward, with
    z = x / sqrt(inputs): dweights = z.T @ dy, dbiases = the sum of dy over the batch,
    dx = dy @ weights.T / sqrt(inputs).

    Jacot, Gabriel and Hongler, Neural Tangent Kernel, NeurIPS 2018; RealMLP's linear layer:
    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "ntp_dense"
    examples = (
        {"units": 3},
        {"units": 2, "weight_initializer": "zeros", "bias_initializer": "zeros"},
        {"units": 4, "weight_initializer": "unit_outputs", "bias_initializer": "he_plus"},
    )
    backward_needs = frozenset()
    output_range = OutputRange()
    is_linear = True

    units: int = Field(ge=1, description="number of outputs")
    weight_initializer: Initializer = Field(default=Normal(std=1.0), description="initial weights")
    bias_initializer: Initializer = Field(default=Normal(std=1.0), description="initial biases")
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")
    bias_regularizer: Regularizer | None = Field(default=None, description="penalty on biases")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (units,); raise ValueError unless samples are vectors."""
        if len(input_shape) != 1:
            raise ValueError(
                f"ntp_dense takes samples (inputs,), not {input_shape}; put a flatten before it"
            )
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (inputs, units) and biases (units,)."""
        shape = (input_shape[0], self.units)
        return {
            "weights": Parameter(shape, self.weight_initializer, self.weight_regularizer),
            "biases": Parameter(
                (self.units,), self.bias_initializer, self.bias_regularizer, role="bias"
            ),
        }

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, and ones, whose product with dy sums over the batch."""
        return {"z": Workspace(input_shape), "ones": Workspace((), fill=1.0, constant=True)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Compute z = x / sqrt(inputs), y = z @ weights + biases."""
        np.multiply(x, 1 / sqrt(x.shape[1]), out=state.z)
        np.matmul(state.z, state.weights, out=y)
        np.add(y, state.biases, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = z.T @ dy, dbiases = sum(dy), dx = dy @ weights.T / sqrt(inputs)."""
        np.matmul(state.z.T, dy, out=state.grad.weights)
        np.matmul(state.ones, dy, out=state.grad.biases)
        if dx is not None:
            np.matmul(dy, state.weights.T, out=dx)
            np.multiply(dx, 1 / sqrt(dx.shape[1]), out=dx)
