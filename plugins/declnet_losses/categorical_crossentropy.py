"""Cross-entropy between class labels and predicted probabilities."""

import numpy as np

from declnet import Array, Loss

SMALLEST = 1e-7
"""Predictions are clipped to [SMALLEST, 1 - SMALLEST], in the loss and in its gradient."""


class CategoricalCrossentropy(Loss):
    """losses = -log(clip(y_pred[label])), for labels (n,) or one-hot rows (n, classes).

    y_pred: (n, classes), each row a distribution; y_true: one-hot, (n, classes).
    """

    type = "categorical_crossentropy"
    targets = "classes"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Losses = -log(clip(sum(y_pred * y_true))); a one-hot row picks one probability."""
        np.einsum("nk,nk->n", y_pred, y_true, out=losses)
        np.maximum(losses, SMALLEST, out=losses)  # half the time of np.clip on a few numbers
        np.minimum(losses, 1 - SMALLEST, out=losses)
        np.log(losses, out=losses)
        np.negative(losses, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Dy_pred = -y_true / clip(y_pred)."""
        np.clip(y_pred, SMALLEST, 1 - SMALLEST, out=dy_pred)
        np.divide(y_true, dy_pred, out=dy_pred)
        np.negative(dy_pred, out=dy_pred)
