"""Losses of values: means over the outputs of a function of the error."""

import numpy as np
from pydantic import Field

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


class Huber(Loss):
    """losses = mean over the outputs of e**2 / 2 where e <= delta, else delta * (e - delta / 2).

    e = |y_pred - y_true|; y_pred, y_true: (n, outputs) or any shape.

    Huber, Robust Estimation of a Location Parameter, 1964. The same as Keras's Huber and PyTorch's
    HuberLoss, whose SmoothL1Loss is this divided by delta.
    """

    type = "huber"
    takes = "values"
    examples = ({}, {"delta": 0.5})

    delta: float = Field(default=1.0, gt=0, description="error above which the loss is linear")

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
