"""The sum of several inputs."""

import numpy as np

from declnet import Array, Layer, LayerState


class Add(Layer):
    """y = x_1 + x_2 + …, element by element: what closes a residual block.

    x: one or more arrays of the same shape, named by `inputs`.
    """

    type = "add"
    examples = ({},)
    n_inputs = None
    backward_needs = frozenset()
    memory_order = "any"
    is_linear = True

    def forward(self, x: tuple[Array, ...], y: Array, state: LayerState) -> None:
        """y = sum of x."""
        np.copyto(y, x[0])
        for each in x[1:]:
            np.add(y, each, out=y)

    def backward(
        self, x: None, y: None, dy: Array, dx: tuple[Array | None, ...], state: LayerState
    ) -> None:
        """dx_i = dy."""
        for each in dx:
            if each is not None:
                np.copyto(each, dy)
