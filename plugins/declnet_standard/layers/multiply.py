"""The product of several inputs."""

import numpy as np

from declnet import Array, Layer, LayerState


class Multiply(Layer):
    """y = x_1 * x_2 * …, element by element: a gate.

    x: one or more arrays of the same shape, named by `inputs`.
    """

    type = "multiply"
    examples = ({},)
    n_inputs = None
    backward_needs = frozenset({"x"})
    memory_order = "any"

    def forward(self, x: tuple[Array, ...], y: Array, state: LayerState) -> None:
        """y = product of x."""
        np.copyto(y, x[0])
        for each in x[1:]:
            np.multiply(y, each, out=y)

    def backward(
        self,
        x: tuple[Array, ...],
        y: None,
        dy: Array,
        dx: tuple[Array | None, ...],
        state: LayerState,
    ) -> None:
        """dx_i = dy * product of all x but x_i."""
        for position, each in enumerate(dx):
            if each is not None:
                np.copyto(each, dy)
                for other in (*x[:position], *x[position + 1 :]):
                    np.multiply(each, other, out=each)
