"""Cross-entropy between class labels and predicted probabilities."""

import numpy as np

from declnet import Array, Dtype, Loss, Shape
from declnet_standard.losses.clipping import SMALLEST
from declnet_standard.losses.label_smoothing import LabelSmoothing, smoothed


class CategoricalCrossentropy(Loss):
    """losses = -log(clip(y_pred[label])), for labels (n,) or one-hot rows (n, classes).

    y_pred: (n, classes), each row a distribution; y_true: one-hot, (n, classes).

    With label_smoothing s > 0, y_true = (1 - s) * one-hot + s / classes, and
    losses = -sum over the classes of y_true * log(clip(y_pred)), on validation data as well.

    The same as the book's (chapter 5), with the smoothing of Keras, and of PyTorch's cross_entropy,
    which takes logits and does not clip.
    """

    type = "categorical_crossentropy"
    targets = "classes"
    takes = "distribution"
    examples = ({}, {"label_smoothing": 0.1})

    label_smoothing: LabelSmoothing = 0.0

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return one-hot rows, smoothed."""
        return smoothed(
            super().prepare(y, output_shape, dtype), self.label_smoothing, output_shape[0]
        )

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute the losses; hard labels need one logarithm per sample, by the one-hot row."""
        if self.label_smoothing:
            logarithms = np.clip(y_pred, SMALLEST, 1 - SMALLEST)  # temporary: all classes count
            np.log(logarithms, out=logarithms)
            np.einsum("nk,nk->n", logarithms, y_true, out=losses)
        else:
            np.einsum("nk,nk->n", y_pred, y_true, out=losses)
            np.maximum(losses, SMALLEST, out=losses)  # twice as fast as np.clip on a few numbers
            np.minimum(losses, 1 - SMALLEST, out=losses)
            np.log(losses, out=losses)
        np.negative(losses, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = -y_true / clip(y_pred)."""
        np.clip(y_pred, SMALLEST, 1 - SMALLEST, out=dy_pred)
        np.divide(y_true, dy_pred, out=dy_pred)
        np.negative(dy_pred, out=dy_pred)
