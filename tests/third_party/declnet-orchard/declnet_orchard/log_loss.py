"""A loss."""

import numpy as np

from declnet import Array, Loss

SMALLEST = 1e-7


class LogLoss(Loss):
    """losses = -mean over outputs of y log p + (1 - y) log(1 - p), p = clip(y_pred)."""

    type = "log_loss"
    targets = "binary"
    takes = "probabilities"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Fill the losses."""
        p = np.clip(y_pred, SMALLEST, 1 - SMALLEST)
        terms = y_true * np.log(p) + (1 - y_true) * np.log(1 - p)
        np.mean(terms, axis=tuple(range(1, terms.ndim)), out=losses)
        np.negative(losses, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = (p - y) / (p (1 - p)) / outputs."""
        p = np.clip(y_pred, SMALLEST, 1 - SMALLEST)
        dy_pred[...] = (p - y_true) / (p * (1 - p)) / y_pred[0].size
