"""All numbers of a sample in one axis."""

from math import prod

import numpy as np

from declnet import Array, Layer, LayerState, Shape


class Flatten(Layer):
    """y = x as (n, features): between images and dense layers.

    Numbers are in the order of the axes, the last one fastest. Free of cost: x and y share memory.
    """

    type = "flatten"
    examples = ({},)
    backward_needs = frozenset()
    only_reshapes = True
    memory_order = "any"
    output_range = "input"
    is_linear = True

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (features,)."""
        return (prod(input_shape),)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x."""
        np.copyto(y, x.reshape(y.shape))

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy."""
        if dx is not None:
            np.copyto(dx, dy.reshape(dx.shape))
