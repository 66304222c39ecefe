"""A trainable share of an activation."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, Parameter, Regularizer, Shape, Workspace
from declnet_plugins.standard.initializers import Ones


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

    def forward(self, x: tuple[Array, Array], y: Array, state: LayerState) -> None:
        """y = x + shares * (f - x)."""
        before, activated = x
        np.subtract(activated, before, out=state.change)
        np.multiply(state.change, _along_units(state.shares, y), out=y)
        np.add(y, before, out=y)

    def backward(
        self, x: None, y: None, dy: Array, dx: tuple[Array | None, ...], state: LayerState
    ) -> None:
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
