"""The Huber loss: quadratic for small errors, linear for large ones."""

import numpy as np
from pydantic import Field

from declnet import Array, Loss
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class Huber(Loss):
    """losses = mean over the outputs of e**2 / 2 where e <= delta, else delta * (e - delta / 2).

    e = |y_pred - y_true|; y_pred, y_true: (n, outputs) or any shape.

    Huber, Robust Estimation of a Location Parameter, 1964. The same as Keras's Huber and PyTorch's
    HuberLoss, whose SmoothL1Loss is this divided by delta.
    """

    type = "huber"
    takes = "values"
    examples = ({}, {"delta": 0.5})

    delta: float = Field(default=1.0, gt=0, description="error from which on the loss is linear")

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute both cases as c * e - c**2 / 2 with c = min(e, delta), a temporary array."""
        elements = room_for_elements(y_pred, losses)
        np.subtract(y_pred, y_true, out=elements)
        np.absolute(elements, out=elements)
        bounded = np.minimum(elements, self.delta)
        np.multiply(elements, bounded, out=elements)
        np.multiply(bounded, bounded, out=bounded)
        np.multiply(bounded, 0.5, out=bounded)
        np.subtract(elements, bounded, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = clip(y_pred - y_true, -delta, delta) / outputs."""
        np.subtract(y_pred, y_true, out=dy_pred)
        np.clip(dy_pred, -self.delta, self.delta, out=dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)
