"""A trainable factor for each feature."""

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
from declnet_plugins.standard.initializers import Ones


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
