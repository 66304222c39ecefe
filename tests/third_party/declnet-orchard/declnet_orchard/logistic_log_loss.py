"""The fusion of the layer and the loss of this package."""

import numpy as np

from declnet import Array, Fusion, LayerState
from declnet_orchard.log_loss import LogLoss
from declnet_orchard.logistic import Logistic


class LogisticLogLoss(Fusion):
    """dx = (y - y_true) / outputs."""

    type = "logistic_log_loss"

    layer: Logistic
    loss: LogLoss

    def forward(self, x: Array, y_true: Array, y: Array, losses: Array) -> None:
        """As the layer, then as the loss."""
        self.layer.forward(x, y, LayerState(np.random.default_rng(0), training=True))
        self.loss.forward(y, y_true, losses)

    def backward(self, x: Array, y: Array, y_true: Array, dx: Array) -> None:
        """dx = (y - y_true) / outputs."""
        np.subtract(y, y_true, out=dx)
        np.divide(dx, y.shape[1], out=dx)
