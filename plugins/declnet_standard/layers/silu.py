"""The sigmoid linear unit, also called swish."""

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace
from declnet_standard.layers.logistic import fill_logistic


class SiLU(Layer):
    """y = x * s, s = 1 / (1 + exp(-x)); dy/dx = s + y * (1 - s).

    x, y, s: (n, *shape). The same as PyTorch's `SiLU` and Keras's `silu` (or `swish`).

    Source: Elfwing, Uchibe, Doya, "Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning", Neural Networks 107, 2018, arXiv:1702.03118.
    """

    type = "silu"
    backward_needs = frozenset({"y"})
    memory_order = "any"
    output_range = OutputRange(low=-0.28)  # its minimum is -0.2785

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the sigmoid s, which backward reuses."""
        return {"sigmoid": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x * s."""
        fill_logistic(x, state.sigmoid, scratch=y)
        np.multiply(x, state.sigmoid, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (s + y * (1 - s))."""
        if dx is not None:
            np.subtract(1, state.sigmoid, out=dx)
            np.multiply(dx, y, out=dx)
            np.add(dx, state.sigmoid, out=dx)
            np.multiply(dx, dy, out=dx)
