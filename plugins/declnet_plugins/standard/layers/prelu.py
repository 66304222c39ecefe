"""ReLU with a learned negative slope."""

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
from declnet_plugins.standard.initializers import Constant


class PReLU(Layer):
    """y = x where x > 0, slope * x elsewhere; the slopes are trained.

    x, y: (n, features), or (n, channels, …); slopes: (features,) or (channels,), or (1,) if they
    are shared. dslope = sum of dy * x over samples and positions where x <= 0.

    PyTorch's `PReLU(num_parameters)` is shared by default, as with `shared = true`; Keras's starts
    at 0 and has a slope for each position of an image as well.

    Source: He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet
    Classification", ICCV 2015, arXiv:1502.01852. They use no weight decay on slopes.
    """

    type = "prelu"
    examples = ({}, {"shared": True})
    backward_needs = frozenset({"x"})
    memory_order = "any"
    output_range = OutputRange()

    shared: bool = Field(default=False, description="one slope for all features (or channels)")
    slope_initializer: Initializer = Field(
        default=Constant(value=0.25), description="initial slopes"
    )
    slope_regularizer: Regularizer | None = Field(default=None, description="penalty on slopes")

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return slopes (features,), or (1,)."""
        count = 1 if self.shared or not input_shape else input_shape[0]
        slopes = Parameter((count,), self.slope_initializer, self.slope_regularizer, role="scale")
        return {"slopes": slopes}

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for one term of a sum."""
        return {"part": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x, 0) + slopes * min(x, 0)."""
        np.minimum(x, 0, out=y)
        np.multiply(y, _along_features(state.slopes, x), out=y)
        np.maximum(x, 0, out=state.part)
        np.add(y, state.part, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dslopes = sum(dy * min(x, 0)), dx = dy * (1 where x > 0, slopes elsewhere)."""
        part, axes = state.part, list(range(x.ndim))
        np.minimum(x, 0, out=part)
        if state.slopes.size == 1:
            np.einsum(part, axes, dy, axes, [], out=state.grad.slopes.reshape(()))
        else:
            np.einsum(part, axes, dy, axes, [1], out=state.grad.slopes)
        if dx is not None:
            np.less_equal(x, 0, out=part)
            np.multiply(part, _along_features(state.slopes, x), out=part)
            np.greater(x, 0, out=dx)
            np.add(dx, part, out=dx)
            np.multiply(dx, dy, out=dx)


def _along_features(slopes: Array, x: Array) -> Array:
    """Return a view of the slopes along axis 1 of x."""
    return slopes.reshape(-1, *(1 for _ in x.shape[2:]))
