"""Losses of ensembles in one network: the mean of the members' losses."""

import numpy as np

from declnet import Array, Dtype, Loss, Shape
from declnet_plugins.standard.losses.classification import LabelSmoothing, smoothed


class MembersCrossentropy(Loss):
    """losses = mean over the members of -log(p[label]), p = softmax(y_pred[member]).

    y_pred: logits, (n, members, classes); y: labels (n,) or one-hot rows (n, classes). Each member
    is trained on its own loss; predictions are the means of the members' probabilities,
    (n, classes). With label_smoothing s > 0, y_true = (1 - s) * one-hot + s / classes, and a
    member's loss is -sum(y_true * log(p)). Backward: (p - y_true) / members.

    Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "members_crossentropy"
    targets = "classes"
    takes = "logits"
    examples = ({}, {"label_smoothing": 0.1})
    example_shapes = (((2, 3), ()), ((3, 2), ()))

    label_smoothing: LabelSmoothing = 0.0

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return one-hot rows (n, classes), smoothed."""
        if len(output_shape) != 2:
            raise ValueError(
                f"members_crossentropy needs a last layer of shape (members, classes), not "
                f"{output_shape}"
            )
        y_true = super().prepare(y, output_shape[1:], dtype)
        return smoothed(y_true, self.label_smoothing, output_shape[1])

    def predictions(self, y_pred: Array) -> Array:
        """Return the mean of the members' probabilities, (n, classes)."""
        probabilities = np.empty_like(y_pred)
        _fill_softmax(y_pred, probabilities)
        mean: Array = probabilities.mean(axis=1)
        return mean

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """losses = mean over the members of log(sum(exp(y_pred))) - sum(y_true * y_pred)."""
        largest = np.maximum.reduce(y_pred, axis=2, keepdims=True)
        shifted = np.subtract(y_pred, largest)
        logits = np.einsum("nkc,nc->n", shifted, y_true)
        np.exp(shifted, out=shifted)
        sums = np.add.reduce(shifted, axis=2)
        np.log(sums, out=sums)
        np.add.reduce(sums, axis=1, out=losses)
        np.subtract(losses, logits, out=losses)
        np.divide(losses, y_pred.shape[1], out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = (softmax(y_pred) - y_true) / members."""
        _fill_softmax(y_pred, dy_pred)
        np.subtract(dy_pred, y_true[:, None], out=dy_pred)
        np.divide(dy_pred, y_pred.shape[1], out=dy_pred)


class MembersSquaredError(Loss):
    """losses = mean over the members and the outputs of (y_pred[member] - y)**2.

    y_pred: (n, members, outputs); y: (n, outputs), or (n,) for one output. Predictions are the mean
    of the members', (n, outputs). Backward: 2 * (y_pred - y) / (members * outputs).

    Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "members_squared_error"
    targets = "values"
    takes = "values"
    example_shapes = (((3, 1), ()), ((2, 3), (3,)))

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as (n, outputs)."""
        if len(output_shape) != 2:
            raise ValueError(
                f"members_squared_error needs a last layer of shape (members, outputs), not "
                f"{output_shape}"
            )
        return super().prepare(y, output_shape[1:], dtype)

    def predictions(self, y_pred: Array) -> Array:
        """Return the mean of the members' predictions, (n, outputs)."""
        mean: Array = y_pred.mean(axis=1)
        return mean

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute the squares in a temporary array, then each sample's mean."""
        squares = np.subtract(y_pred, y_true[:, None])
        np.multiply(squares, squares, out=squares)
        np.add.reduce(squares, axis=(1, 2), out=losses)
        np.divide(losses, y_pred.shape[1] * y_pred.shape[2], out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = 2 * (y_pred - y_true) / (members * outputs)."""
        np.subtract(y_pred, y_true[:, None], out=dy_pred)
        np.multiply(dy_pred, 2 / (y_pred.shape[1] * y_pred.shape[2]), out=dy_pred)


def _fill_softmax(x: Array, out: Array) -> None:
    """out = softmax(x) along the last axis; nothing overflows."""
    largest = np.maximum.reduce(x, axis=2, keepdims=True)
    np.subtract(x, largest, out=out)
    np.exp(out, out=out)
    sums = np.add.reduce(out, axis=2, keepdims=True)
    np.divide(out, sums, out=out)
