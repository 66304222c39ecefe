"""The hinge loss of support vector machines."""

import numpy as np

from declnet import Array, Dtype, Loss, Shape
from declnet_standard.losses.sample_means import outputs_of, room_for_elements, take_means


class Hinge(Loss):
    """losses = mean over the outputs of max(0, 1 - t * y_pred), t = 2 * y - 1.

    y_pred: scores of a linear last layer, (n, outputs) or any shape; y: 0 and 1, of that shape,
    which `prepare` turns into t, -1 and +1. A score above 0 means 1, so metrics with a
    threshold, such as binary_accuracy, need threshold = 0. The gradient is 0 at the kink,
    t * y_pred = 1.

    Cortes and Vapnik, Support-Vector Networks, 1995. The same as Keras's Hinge, which takes y of -1
    and +1 as well, and scikit-learn's hinge_loss; PyTorch's HingeEmbeddingLoss is another loss.
    """

    type = "hinge"
    targets = "binary"
    takes = "scores"
    threshold = 0.0

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y with 0 replaced by -1."""
        signs = super().prepare(y, output_shape, dtype)
        signs *= 2
        signs -= 1
        return signs

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute how far each score is short of the margin, then each sample's mean."""
        elements = room_for_elements(y_pred, losses)
        _lacking(y_pred, y_true, elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = -t / outputs where the score is short of the margin, else 0."""
        _lacking(y_pred, y_true, dy_pred)
        np.sign(dy_pred, out=dy_pred)
        np.multiply(dy_pred, y_true, out=dy_pred)
        np.divide(dy_pred, -outputs_of(y_pred), out=dy_pred)


def _lacking(y_pred: Array, y_true: Array, out: Array) -> None:
    np.multiply(y_pred, y_true, out=out)
    np.subtract(1, out, out=out)
    np.maximum(out, 0, out=out)
