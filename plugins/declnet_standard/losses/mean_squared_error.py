"""The mean squared error."""

import numpy as np

from declnet import Array, Loss
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class MeanSquaredError(Loss):
    """losses = mean over the outputs of (y_pred - y_true)**2.

    y_pred, y_true: (n, outputs) or any shape.

    The same as the book's (chapter 17), Keras's and PyTorch's MSELoss: none of them halves it.
    """

    type = "mean_squared_error"
    takes = "values"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute squared errors, then each sample's mean."""
        elements = room_for_elements(y_pred, losses)
        np.subtract(y_pred, y_true, out=elements)
        np.multiply(elements, elements, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = 2 * (y_pred - y_true) / outputs."""
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 / outputs_of(y_pred), out=dy_pred)
