"""Losses of labels and distributions: cross-entropies, focal ones too, KL divergence, hinge."""

from typing import Annotated

import numpy as np
from pydantic import Field

from declnet import Array, Dtype, Loss, Shape
from declnet_plugins.standard.losses.sample_means import (
    outputs_of,
    room_for_elements,
    take_means,
    take_sums,
)

SMALLEST = 1e-7
"""Predictions are clipped to [SMALLEST, 1 - SMALLEST], in a loss and in its gradient."""

SMALLEST_RATIO = 1e-30
"""Lower bound for ratios of probabilities: those multiplied by 0 must have a logarithm too."""

LabelSmoothing = Annotated[
    float, Field(ge=0, lt=1, description="fraction of each label that is spread over all classes")
]


def smoothed(y_true: Array, fraction: float, classes: int) -> Array:
    """y_true = (1 - fraction) * y_true + fraction / classes, in place.

    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016, section 7.
    """
    if fraction:
        y_true *= 1 - fraction
        y_true += fraction / classes
    return y_true


class BinaryCrossentropy(Loss):
    """losses = -mean(y_true * log(p) + (1 - y_true) * log(1 - p)), where p = clip(y_pred).

    y_pred: probabilities, (n, outputs) or any shape; y_true: 0 and 1, of that shape. Outputs are
    independent; the mean is over a sample's outputs. With label_smoothing s > 0,
    y_true = (1 - s) * y + s / 2, on validation data as well.

    The same as the book's (chapter 16) and Keras's, smoothing included. PyTorch's BCELoss does not
    clip but bounds the logarithms by -100, and does not smooth.
    """

    type = "binary_crossentropy"
    other_types = (
        "bce",
        "bce_loss",
        "bce_with_logits_loss",
        "binary_cross_entropy",
        "sigmoid_cross_entropy",
        "binary_logloss",
    )
    other_keys = {
        "smoothing": "label_smoothing",
        "from_logits": "it takes probabilities: end the model with a sigmoid",
    }
    targets = "binary"
    takes = "probabilities"
    examples = ({}, {"label_smoothing": 0.1})

    label_smoothing: LabelSmoothing = 0.0

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as 0 and 1, smoothed."""
        return smoothed(super().prepare(y, output_shape, dtype), self.label_smoothing, 2)

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute both logarithms in turn, in one temporary array."""
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


class CategoricalCrossentropy(Loss):
    """losses = -log(clip(y_pred[label])), for labels (n,) or one-hot rows (n, classes).

    y_pred: (n, classes), each row a distribution; y_true: one-hot, (n, classes).

    With label_smoothing s > 0, y_true = (1 - s) * one-hot + s / classes, and
    losses = -sum over the classes of y_true * log(clip(y_pred)), on validation data as well.

    The same as the book's (chapter 5), with the smoothing of Keras, and of PyTorch's cross_entropy,
    which takes logits and does not clip.
    """

    type = "categorical_crossentropy"
    other_types = (
        "ce",
        "cross_entropy",
        "crossentropy",
        "cross_entropy_loss",
        "nll",
        "nll_loss",
        "sparse_categorical_crossentropy",
        "softmax_cross_entropy",
        "log_loss",
        "multiclass_logloss",
    )
    other_keys = {
        "smoothing": "label_smoothing",
        "from_logits": "it takes probabilities: end the model with a softmax",
    }
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


Gamma = Annotated[
    float, Field(ge=0, description="how much less right predictions count; 0: the cross-entropy")
]


class Focal(Loss):
    """losses = -mean(a * (1 - q)**gamma * log(q)), with q the probability of what y says.

    q = p where y is 1, 1 - p where it is 0, and p = clip(y_pred): a cross-entropy in which samples
    that are predicted well hardly count. a = alpha where y is 1, 1 - alpha where it is 0; without
    alpha a = 1. y_pred: probabilities, (n, outputs) or any shape; y: 0 and 1, of that shape.

    Keras's BinaryFocalCrossentropy, where alpha needs `apply_class_balancing`; torchvision's
    sigmoid_focal_loss takes logits.

    Lin et al., Focal Loss for Dense Object Detection, 2017, arXiv:1708.02002.
    """

    type = "focal"
    targets = "binary"
    takes = "probabilities"
    examples = ({}, {"gamma": 0.5, "alpha": 0.25})

    gamma: Gamma = 2.0
    alpha: float | None = Field(
        default=None, gt=0, lt=1, description="weight of y = 1; y = 0 has the weight 1 - alpha"
    )

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute q, then the loss of each output, then each sample's mean."""
        elements = room_for_elements(y_pred, losses)
        _chance_of_truth(y_pred, y_true, elements)
        np.multiply(_focal(elements, self.gamma), self._weights(y_true), out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = a * dlosses/dq * dq/dp / outputs, dq/dp = 1 where y is 1, -1 where it is 0."""
        _chance_of_truth(y_pred, y_true, dy_pred)
        slopes = _focal_slopes(dy_pred, self.gamma)
        np.multiply(y_true, 2, out=dy_pred)
        np.subtract(dy_pred, 1, out=dy_pred)
        np.multiply(dy_pred, slopes, out=dy_pred)
        np.multiply(dy_pred, self._weights(y_true), out=dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)

    def _weights(self, y_true: Array) -> Array | float:
        if self.alpha is None:
            return 1.0
        weights: Array = (2 * self.alpha - 1) * y_true + (1 - self.alpha)
        return weights


class CategoricalFocal(Loss):
    """losses = -(1 - q)**gamma * log(q), q = clip(y_pred[label]).

    The focal loss of several classes: samples that are predicted well hardly count. y_pred:
    (n, classes), each row a distribution; y: labels (n,) or one-hot rows (n, classes).

    Keras's CategoricalFocalCrossentropy with alpha = 1, which is a factor of all losses. Classes
    may have weights of their own by the spec's `class_weights`.

    Lin et al., Focal Loss for Dense Object Detection, 2017, arXiv:1708.02002.
    """

    type = "categorical_focal"
    targets = "classes"
    takes = "distribution"
    examples = ({}, {"gamma": 0.5})

    gamma: Gamma = 2.0

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute q by the one-hot row, then the losses."""
        np.einsum("nk,nk->n", y_pred, y_true, out=losses)
        np.clip(losses, SMALLEST, 1 - SMALLEST, out=losses)
        np.copyto(losses, _focal(losses, self.gamma))

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = dlosses/dq at the label, 0 elsewhere."""
        chances = np.einsum("nk,nk->n", y_pred, y_true)
        np.clip(chances, SMALLEST, 1 - SMALLEST, out=chances)
        np.multiply(y_true, _focal_slopes(chances, self.gamma)[:, None], out=dy_pred)


def _chance_of_truth(y_pred: Array, y_true: Array, out: Array) -> None:
    """out = p where y is 1, 1 - p where it is 0: |p - (1 - y)|."""
    np.subtract(1, y_true, out=out)
    np.subtract(np.clip(y_pred, SMALLEST, 1 - SMALLEST), out, out=out)
    np.absolute(out, out=out)


def _focal(q: Array, gamma: float) -> Array:
    """Return -(1 - q)**gamma * log(q)."""
    losses: Array = -np.log(q) * (1 - q) ** gamma
    return losses


def _focal_slopes(q: Array, gamma: float) -> Array:
    """Return gamma * (1 - q)**(gamma - 1) * log(q) - (1 - q)**gamma / q."""
    slopes: Array = (gamma * np.log(q) - (1 - q) / q) * (1 - q) ** (gamma - 1)
    return slopes


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
