"""The logarithm of the hyperbolic cosine of the error."""

import numpy as np

from declnet import Array, Loss
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class LogCosh(Loss):
    """losses = mean over the outputs of log(cosh(y_pred - y_true)).

    Nearly e**2 / 2 for small errors e, and |e| - log(2) for large ones: like huber, but smooth.
    y_pred, y_true: (n, outputs) or any shape.

    The same as Keras's LogCosh; PyTorch has no equivalent.
    """

    type = "log_cosh"
    takes = "values"

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute |e| + log((1 + exp(-2|e|)) / 2), which does not overflow.

        The logarithm, in a temporary array, is log1p(expm1(-2|e|) / 2), exact for small errors too.
        """
        elements = room_for_elements(y_pred, losses)
        np.subtract(y_pred, y_true, out=elements)
        np.absolute(elements, out=elements)
        logarithms = np.multiply(elements, -2)
        np.expm1(logarithms, out=logarithms)
        np.multiply(logarithms, 0.5, out=logarithms)
        np.log1p(logarithms, out=logarithms)
        np.add(elements, logarithms, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = tanh(y_pred - y_true) / outputs."""
        np.subtract(y_pred, y_true, out=dy_pred)
        np.tanh(dy_pred, out=dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)
