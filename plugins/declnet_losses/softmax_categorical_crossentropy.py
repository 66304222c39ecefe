"""Softmax and cross-entropy in one: the gradient is a subtraction."""

import numpy as np

from declnet import Array, Fusion
from declnet_layers import Softmax
from declnet_losses.categorical_crossentropy import CategoricalCrossentropy


class SoftmaxCategoricalCrossentropy(Fusion):
    """y = softmax(x), losses = -log(clip(y[label])), dx = y - y_true, for smoothed labels as well.

    x, y, y_true: (n, classes); losses: (n,), which also serves for maxima and sums on the way.
    """

    type = "softmax_categorical_crossentropy"

    layer: Softmax
    loss: CategoricalCrossentropy

    def forward(self, x: Array, y_true: Array, y: Array, losses: Array) -> None:
        """Softmax, then the loss; log-softmax would save a temporary and take longer."""
        np.maximum.reduce(x, axis=1, out=losses)
        np.subtract(x, losses[:, None], out=y)
        np.exp(y, out=y)
        np.add.reduce(y, axis=1, out=losses)
        np.divide(y, losses[:, None], out=y)
        self.loss.forward(y, y_true, losses)

    def backward(self, x: Array, y: Array, y_true: Array, dx: Array) -> None:
        """dx = y - y_true; the clipping of the loss plays no part."""
        np.subtract(y, y_true, out=dx)
