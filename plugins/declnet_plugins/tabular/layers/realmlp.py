"""Layers of RealMLP: a factor for each feature, its dense layer, and a share of an activation."""

from math import sqrt

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Arrays,
    Gradients,
    Initializer,
    Layer,
    LayerState,
    OutputRange,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_plugins.standard.initializers import Normal, Ones
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer


class FeatureScale(Layer):
    """y = x * scale, one factor for each number of a sample.

    x, y: (n, *shape); scale: (*shape). dscale = the sum of x * dy over the batch, dx = dy * scale.
    At the front of a network, with a large learning rate, it selects features softly: RealMLP's
    scaling layer, whose learning rate is multiplied by 6.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "feature_scale"
    backward_needs = frozenset({"x"})
    memory_order = "any"
    output_range = OutputRange()
    is_linear = True

    scale_initializer: Initializer = Field(default=Ones(), description="initial factors")
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on factors")

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale (*shape)."""
        scale = Parameter(input_shape, self.scale_initializer, self.scale_regularizer, role="scale")
        return {"scale": scale}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x * scale."""
        np.multiply(x, state.scale, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dscale = sum(x * dy), dx = dy * scale."""
        axes = list(range(x.ndim))
        np.einsum(x, axes, dy, axes, axes[1:], out=state.grad.scale)
        if dx is not None:
            np.multiply(dy, state.scale, out=dx)


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


class ParametricActivation(Layer):
    """y = x + shares * (f - x): of an activation f = f(x), a trained share for each unit.

    inputs: x, the activation's input, and f, its output, both (n, *shape); shares: (units,), along
    the first axis of the sample. A share of 1 is the activation, 0 the identity.
    dshares = the sum of dy * (f - x) over the batch, dx = dy * (1 - shares), df = dy * shares.

    With selu or mish it is RealMLP's activation, whose learning rate is multiplied by 0.1:
    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "parametric_activation"
    n_inputs = 2
    example_shapes = (((3,), (3,)), ((2, 4), (2, 4)))
    backward_needs = frozenset()
    memory_order = "any"

    share_initializer: Initializer = Field(default=Ones(), description="initial shares")
    share_regularizer: Regularizer | None = Field(default=None, description="penalty on shares")

    def parameters(self, input_shape: tuple[Shape, Shape]) -> dict[str, Parameter]:
        """Return shares (units,)."""
        units = input_shape[0][:1]
        shares = Parameter(units, self.share_initializer, self.share_regularizer, role="scale")
        return {"shares": shares}

    def workspace(self, input_shape: tuple[Shape, Shape]) -> dict[str, Workspace]:
        """Return memory for f - x."""
        return {"change": Workspace(input_shape[0])}

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = x + shares * (f - x)."""
        before, activated = x
        np.subtract(activated, before, out=state.change)
        np.multiply(state.change, _along_units(state.shares, y), out=y)
        np.add(y, before, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dshares = sum(dy * (f - x)), dx = dy - dy * shares, df = dy * shares."""
        axes, (before, activated) = list(range(dy.ndim)), dx
        np.einsum(dy, axes, state.change, axes, [1], out=state.grad.shares)
        shares = _along_units(state.shares, dy)
        if activated is not None:
            np.multiply(dy, shares, out=activated)
        if before is not None:
            np.multiply(dy, shares, out=before)
            np.subtract(dy, before, out=before)


def _along_units(shares: Array, x: Array) -> Array:
    """Return a view of the shares along axis 1 of x."""
    return shares.reshape(-1, *(1 for _ in x.shape[2:]))
