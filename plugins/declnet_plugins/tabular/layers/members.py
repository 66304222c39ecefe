"""Ensembles in one network: members that share a trunk and have heads of their own."""

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
)
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.tabular.initializers import FanInUniform, RandomSigns


class Members(Layer):
    """y[:, i] = x * scale[i]: each of several members scales the features differently.

    x: (n, features); scale: (members, features); y: (n, members, features).
    dscale[i] = the sum of x * dy[:, i] over the batch, dx = the sum of dy[:, i] * scale[i] over the
    members. The layers after it compute the same for each member (dense, activations, dropout),
    until `member_dense` gives each a separate output.

    TabM-mini: Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210, where factors
    start as random signs, or after embeddings of numbers as N(0, 1), one for each feature
    (`per_feature`).
    """

    type = "members"
    examples = ({"members": 4}, {"members": 2, "scale_initializer": {"type": "normal", "std": 1.0}})
    example_shapes = ((3,), (1,))
    backward_needs = frozenset({"x"})
    output_range = OutputRange()
    is_linear = True

    members: int = Field(default=32, ge=1, description="number of members")
    scale_initializer: Initializer = Field(default=RandomSigns(), description="initial factors")
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on factors")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (members, features); raise ValueError unless samples are vectors."""
        if len(input_shape) != 1:
            raise ValueError(
                f"members takes samples (features,), not {input_shape}; put a flatten before it"
            )
        return (self.members, *input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale (members, features)."""
        scale = Parameter(
            (self.members, *input_shape),
            self.scale_initializer,
            self.scale_regularizer,
            role="scale",
        )
        return {"scale": scale}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y[:, i] = x * scale[i]."""
        np.multiply(x[:, None], state.scale, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dscale[i] = sum(x * dy[:, i]), dx = sum of dy[:, i] * scale[i]."""
        np.einsum("nd,nkd->kd", x, dy, out=state.grad.scale)
        if dx is not None:
            np.einsum("nkd,kd->nd", dy, state.scale, out=dx)


class MemberDense(AffineLayer):
    """y[:, i] = x[:, i] @ weights[i] + biases[i]: a dense layer for each member.

    x: (n, members, inputs); weights: (members, inputs, units); biases: (members, units);
    y: (n, members, units). Backward, for each member: dweights = x.T @ dy, dbiases = the sum of dy
    over the batch, dx = dy @ weights.T.

    TabM's heads: Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "member_dense"
    examples = (
        {"units": 3},
        {"units": 2, "use_bias": False},
        {"units": 1, "weight_initializer": "glorot_normal"},
    )
    other_keys = {**other_keys.UNITS, **other_keys.AFFINE}
    example_shapes = ((4, 3), (1, 2))
    backward_needs = frozenset({"x"})
    output_range = OutputRange()
    is_linear = True

    units: int = Field(ge=1, description="number of outputs of each member")
    weight_initializer: Initializer = Field(default=FanInUniform(), description="initial weights")
    bias_initializer: Initializer = Field(default=FanInUniform(), description="initial biases")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (members, units); raise ValueError for samples without members."""
        if len(input_shape) != 2:
            raise ValueError(
                f"member_dense takes samples (members, inputs), not {input_shape}; the layer "
                '"members" makes them'
            )
        return (input_shape[0], self.units)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (members, inputs, units) and biases (members, units)."""
        (members, inputs), units = input_shape, self.units
        weights = self.weights((members, inputs, units), fan_in=inputs, fan_out=units)
        biases = self.biases((members, units), fan_in=inputs, fan_out=units)
        return {"weights": weights, **biases}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y[:, i] = x[:, i] @ weights[i] + biases[i]."""
        out = _samples_last(y)
        np.matmul(state.weights.swapaxes(1, 2), _samples_last(x), out=out)
        if self.use_bias:
            np.add(out, state.biases[:, :, None], out=out)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = x.T @ dy, dbiases = sum(dy), dx = dy @ weights.T, for each member."""
        out = _samples_last(dy)
        np.matmul(_samples_last(x), out.swapaxes(1, 2), out=state.grad.weights)
        if self.use_bias:
            np.add.reduce(out, axis=2, out=state.grad.biases)
        if dx is not None:
            np.matmul(state.weights, out, out=_samples_last(dx))


def _samples_last(array: Array) -> Array:
    """Return (n, members, units) viewed as (members, units, n)."""
    return np.moveaxis(array, 0, -1)
