"""Losses with one defect each."""

import numpy as np

from declnet import Loss

HISTORY, KEPT = [], {}
"""State that losses keep in their module."""


def axes_of_samples(array):
    """Return all axes but the first."""
    return tuple(range(1, array.ndim))


class RootOfSquares(Loss):
    """The gradient of the root is NaN at a perfect prediction."""

    type = "root_of_squares"

    def forward(self, y_pred, y_true, losses):
        error = y_pred - y_true
        np.sqrt(np.sum(error * error, axis=axes_of_samples(error)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        error = y_pred - y_true
        norms = np.sqrt(np.sum(error * error, axis=axes_of_samples(error), keepdims=True))
        np.divide(error, norms, out=dy_pred)


class PercentageError(Loss):
    """The relative error is infinite or NaN where the target is 0."""

    type = "percentage_error"

    def forward(self, y_pred, y_true, losses):
        error = np.abs(y_pred - y_true) / np.abs(y_true)
        np.mean(error, axis=axes_of_samples(error), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        count = y_pred[0].size
        dy_pred[...] = np.sign(y_pred - y_true) / np.abs(y_true) / count


class SquaresOverTime(Loss):
    """A batch of one sample loses its first axis (np.squeeze), so the mean is over another axis."""

    type = "squares_over_time"
    example_shapes = ((4, 3), (5, 2))

    def forward(self, y_pred, y_true, losses):
        error = np.squeeze(y_pred - y_true)
        losses[...] = np.square(error).mean(axis=1).sum(axis=-1)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 / y_pred.shape[1], out=dy_pred)


class RememberedSquares(Loss):
    """It appends a copy of its losses to a module-level list at each call."""

    type = "remembered_squares"

    def forward(self, y_pred, y_true, losses):
        error = y_pred - y_true
        np.sum(error * error, axis=axes_of_samples(error), out=losses)
        HISTORY.append(losses.copy())

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2, out=dy_pred)


class SavedTargets(Loss):
    """backward uses the targets of the last forward, of any model, instead of its argument."""

    type = "saved_targets"

    def forward(self, y_pred, y_true, losses):
        KEPT["y_true"] = y_true
        error = y_pred - y_true
        np.sum(error * error, axis=axes_of_samples(error), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, KEPT["y_true"], out=dy_pred)
        np.multiply(dy_pred, 2, out=dy_pred)


class SquaresInDouble(Loss):
    """prepare returns float64 targets for a model of any dtype."""

    type = "squares_in_double"

    def prepare(self, y, output_shape, dtype):
        return super().prepare(y, output_shape, dtype).astype(np.float64)

    def forward(self, y_pred, y_true, losses):
        error = y_pred - y_true
        losses[...] = np.sum(error * error, axis=axes_of_samples(error))

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 2 * (y_pred - y_true)


class RelativeToTheBatch(Loss):
    """Errors are divided by the spread of the batch's targets, so samples affect each other."""

    type = "relative_to_the_batch"

    def forward(self, y_pred, y_true, losses):
        error = (y_pred - y_true) / (y_true.std() + 1e-3)
        np.sum(error * error, axis=axes_of_samples(error), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 2 * (y_pred - y_true) / (y_true.std() + 1e-3) ** 2


class Angle(Loss):
    """The cosine with a prediction of zeros, as from dead units, is NaN."""

    type = "angle"
    example_shapes = ((3,), (2, 4))

    def forward(self, y_pred, y_true, losses):
        axes = axes_of_samples(y_pred)
        product = np.sum(y_pred * y_true, axis=axes)
        lengths = np.sqrt(np.sum(y_pred * y_pred, axis=axes))
        true_lengths = np.sqrt(np.sum(y_true * y_true, axis=axes) + 1e-12)
        np.subtract(1, product / (lengths * true_lengths), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        axes = axes_of_samples(y_pred)
        length = np.sqrt(np.sum(y_pred * y_pred, axis=axes, keepdims=True))
        true_length = np.sqrt(np.sum(y_true * y_true, axis=axes, keepdims=True) + 1e-12)
        unit, true = y_pred / length, y_true / true_length
        dy_pred[...] = (unit * np.sum(unit * true, axis=axes, keepdims=True) - true) / length


DEFECTS = (
    ("A", RootOfSquares),
    ("A", PercentageError),
    ("A", SquaresOverTime),
    ("A", RememberedSquares),
    ("A", SavedTargets),
    ("B", SquaresInDouble),
    ("B", RelativeToTheBatch),
    ("B", Angle),
)
