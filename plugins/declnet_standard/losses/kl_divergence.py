"""The Kullback-Leibler divergence of predicted distributions from true ones."""

import numpy as np

from declnet import Array, Dtype, Loss, Shape
from declnet_standard.losses.clipping import SMALLEST
from declnet_standard.losses.sample_means import room_for_elements, take_sums

SMALLEST_RATIO = 1e-30
"""Lower bound for ratios: those multiplied by a y_true of 0 must have a logarithm."""


class KLDivergence(Loss):
    """losses = sum over the outputs of y_true * log(y_true / max(y_pred, 1e-7)), where 0 log 0 = 0.

    y_pred, y_true: (n, *shape), distributions over the last axis; a sample with more axes has the
    sum of its distributions' divergences. Negative y_true are refused; sums are not checked.

    Kullback and Leibler, On Information and Sufficiency, 1951. Keras's KLDivergence clips y_true to
    1e-7, too; PyTorch's KLDivLoss takes log(y_pred) and does not clip.
    """

    type = "kl_divergence"
    takes = "distribution"

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y; raise an error for negative probabilities."""
        y_true = super().prepare(y, output_shape, dtype)
        if y_true.size and y_true.min() < 0:
            raise ValueError(f"kl_divergence needs probabilities, but y has {y_true.min():g}")
        return y_true

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute the logarithm of the ratio, weighted by y_true."""
        elements = room_for_elements(y_pred, losses)
        np.maximum(y_pred, SMALLEST, out=elements)
        np.divide(y_true, elements, out=elements)
        np.maximum(elements, SMALLEST_RATIO, out=elements)
        np.log(elements, out=elements)
        np.multiply(elements, y_true, out=elements)
        take_sums(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = -y_true / max(y_pred, 1e-7)."""
        np.maximum(y_pred, SMALLEST, out=dy_pred)
        np.divide(y_true, dy_pred, out=dy_pred)
        np.negative(dy_pred, out=dy_pred)
