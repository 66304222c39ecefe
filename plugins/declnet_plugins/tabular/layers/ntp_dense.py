"""The fully connected layer in neural tangent parametrization."""

from math import sqrt

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.initializers import Normal
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer


class NTPDense(AffineLayer):
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
        {"units": 4, "use_bias": False},
        {"units": 2, "weight_initializer": "zeros", "bias_initializer": "zeros"},
        {"units": 4, "weight_initializer": "unit_outputs", "bias_initializer": "he_plus"},
    )
    other_keys = {**other_keys.UNITS, **other_keys.AFFINE}
    backward_needs = frozenset()
    output_range = OutputRange()
    is_linear = True

    units: int = Field(ge=1, description="number of outputs")
    weight_initializer: Initializer = Field(default=Normal(std=1.0), description="initial weights")
    bias_initializer: Initializer = Field(default=Normal(std=1.0), description="initial biases")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (units,); raise ValueError unless samples are vectors."""
        if len(input_shape) != 1:
            raise ValueError(
                f"ntp_dense takes samples (inputs,), not {input_shape}; put a flatten before it"
            )
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (inputs, units) and biases (units,)."""
        weights = self.weights((input_shape[0], self.units))
        return {"weights": weights, **self.biases((self.units,))}

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, and ones, whose product with dy sums over the batch."""
        ones = {"ones": Workspace((), fill=1.0, constant=True)} if self.use_bias else {}
        return {"z": Workspace(input_shape), **ones}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Compute z = x / sqrt(inputs), y = z @ weights + biases."""
        np.multiply(x, 1 / sqrt(x.shape[1]), out=state.z)
        np.matmul(state.z, state.weights, out=y)
        if self.use_bias:
            np.add(y, state.biases, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = z.T @ dy, dbiases = sum(dy), dx = dy @ weights.T / sqrt(inputs)."""
        np.matmul(state.z.T, dy, out=state.grad.weights)
        if self.use_bias:
            np.matmul(state.ones, dy, out=state.grad.biases)
        if dx is not None:
            np.matmul(dy, state.weights.T, out=dx)
            np.multiply(dx, 1 / sqrt(dx.shape[1]), out=dx)
