"""The sigmoid made of straight lines."""

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace


class HardSigmoid(Layer):
    """y = 0 where x < -3, 1 where x > 3, (x + 3) / 6 between.

    dy/dx = 1/6 where 0 < y < 1, 0 elsewhere. x, y: (n, *shape). The same as PyTorch's `HardSigmoid`
    and as in Keras 3, relu6(x + 3) / 6; Keras 2 had 0.2 * x + 0.5, from 0 to 1.

    Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.
    """

    type = "hard_sigmoid"
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"
    output_range = OutputRange(0, 1)

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for masks of y > 0 and y < 1."""
        return {
            "above_zero": Workspace(input_shape, dtype=bool),
            "below_one": Workspace(input_shape, dtype=bool),
        }

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = (x + 3) / 6, clipped to [0, 1]."""
        np.add(x, 3, out=y)
        np.divide(y, 6, out=y)
        np.clip(y, 0, 1, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy / 6 where 0 < y < 1, else 0."""
        if dx is not None:
            between = state.above_zero
            np.greater(y, 0, out=state.above_zero)
            np.less(y, 1, out=state.below_one)
            np.logical_and(state.above_zero, state.below_one, out=between)
            np.multiply(dy, between, out=dx)
            np.divide(dx, 6, out=dx)
