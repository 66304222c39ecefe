"""The mean absolute error."""

import numpy as np

from declnet import Array, Loss
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class MeanAbsoluteError(Loss):
    """losses = mean over the outputs of |y_pred - y_true|; its gradient is 0 where they are equal.

    y_pred, y_true: (n, outputs) or any shape.

    The same as the book's (chapter 17), Keras's and PyTorch's L1Loss.
    """

    type = "mean_absolute_error"
    takes = "values"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute absolute errors, then each sample's mean."""
        elements = room_for_elements(y_pred, losses)
        np.subtract(y_pred, y_true, out=elements)
        np.absolute(elements, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = sign(y_pred - y_true) / outputs, with sign(0) = 0."""
        np.subtract(y_pred, y_true, out=dy_pred)
        np.sign(dy_pred, out=dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)
