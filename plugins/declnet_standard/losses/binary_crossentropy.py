"""Cross-entropy between binary labels and predicted probabilities."""

import numpy as np

from declnet import Array, Dtype, Loss, Shape
from declnet_standard.losses.clipping import SMALLEST
from declnet_standard.losses.label_smoothing import LabelSmoothing, smoothed
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class BinaryCrossentropy(Loss):
    """losses = -mean(y_true * log(p) + (1 - y_true) * log(1 - p)), where p = clip(y_pred).

    y_pred: probabilities, (n, outputs) or any shape; y_true: 0 and 1, of that shape. Outputs are
    independent; the mean is over a sample's outputs. With label_smoothing s > 0,
    y_true = (1 - s) * y + s / 2, on validation data as well.

    The same as the book's (chapter 16) and Keras's, smoothing included. PyTorch's BCELoss does not
    clip but bounds the logarithms by -100, and does not smooth.
    """

    type = "binary_crossentropy"
    targets = "binary"
    takes = "probabilities"
    examples = ({}, {"label_smoothing": 0.1})

    label_smoothing: LabelSmoothing = 0.0

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as 0 and 1, smoothed."""
        return smoothed(super().prepare(y, output_shape, dtype), self.label_smoothing, 2)

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute both logarithms, one after the other in a temporary array."""
        elements = room_for_elements(y_pred, losses)
        logarithms = np.clip(y_pred, SMALLEST, 1 - SMALLEST)
        np.subtract(1, logarithms, out=logarithms)
        np.log(logarithms, out=logarithms)
        np.subtract(1, y_true, out=elements)
        np.multiply(elements, logarithms, out=elements)
        np.clip(y_pred, SMALLEST, 1 - SMALLEST, out=logarithms)
        np.log(logarithms, out=logarithms)
        np.multiply(logarithms, y_true, out=logarithms)
        np.add(elements, logarithms, out=elements)
        np.negative(elements, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = (p - y_true) / (p * (1 - p)) / outputs; the denominator is temporary."""
        np.clip(y_pred, SMALLEST, 1 - SMALLEST, out=dy_pred)
        denominator = np.subtract(1, dy_pred)
        np.multiply(denominator, dy_pred, out=denominator)
        np.multiply(denominator, outputs_of(y_pred), out=denominator)
        np.subtract(dy_pred, y_true, out=dy_pred)
        np.divide(dy_pred, denominator, out=dy_pred)
