"""Softmax over the classes of each sample."""

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace


class Softmax(Layer):
    """y = exp(x - max x) / sum exp(x - max x), over the classes of each sample: (n, classes)."""

    type = "softmax"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(0, 1, sums_to_one=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError unless it is one axis of classes."""
        if len(input_shape) != 1:
            raise ValueError(
                f"softmax takes samples of one axis, (classes,), not {input_shape}; put a flatten "
                "and a dense before it"
            )
        return input_shape

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for one number per sample, for maxima and sums."""
        return {"row": Workspace(())}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Compute y, subtracting the largest logit first so that no exponential overflows."""
        row = state.row
        np.maximum.reduce(x, axis=1, out=row)
        np.subtract(x, row[:, None], out=y)
        np.exp(y, out=y)
        np.add.reduce(y, axis=1, out=row)
        np.divide(y, row[:, None], out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = y * (dy - sum(dy * y)), the product with the Jacobian diag(y) - y y.T."""
        if dx is not None:
            row = state.row
            np.einsum("nk,nk->n", dy, y, out=row)
            np.subtract(dy, row[:, None], out=dx)
            np.multiply(dx, y, out=dx)
