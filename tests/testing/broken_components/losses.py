"""Losses whose numbers are wrong, or that treat targets wrongly."""

import numpy as np

from declnet import Loss

from ..right.losses import Crossentropy, Squared
from .expected import caught_by


@caught_by("gradient_of_predictions")
class DividedBySamples(Squared):
    """losses as in squared, but the gradient is divided by n."""

    def backward(self, y_pred, y_true, dy_pred):
        super().backward(y_pred, y_true, dy_pred)
        np.divide(dy_pred, len(dy_pred), out=dy_pred)


@caught_by("gradient_of_predictions")
class WrongSign(Squared):
    """losses as in squared, but the gradient points uphill."""

    def backward(self, y_pred, y_true, dy_pred):
        super().backward(y_true, y_pred, dy_pred)


@caught_by("stays_finite")
class LogCosh(Squared):
    """losses = sum log(cosh(y_pred - y_true)), in the form that overflows."""

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(np.log(np.cosh(y_pred - y_true)), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.tanh(y_pred - y_true, out=dy_pred)


@caught_by("stays_finite")
class UnclippedCrossentropy(Loss):
    """losses = -log(y_pred[label]), without clipping."""

    type = "unclipped_crossentropy"
    targets = "classes"

    def forward(self, y_pred, y_true, losses):
        np.sum(y_pred * y_true, axis=1, out=losses)
        np.log(losses, out=losses)
        np.negative(losses, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.divide(y_true, y_pred, out=dy_pred)
        np.negative(dy_pred, out=dy_pred)


@caught_by("treats_samples_apart")
class ScaledByTheBatch(Squared):
    """losses as in squared, over the batch's largest."""

    def forward(self, y_pred, y_true, losses):
        super().forward(y_pred, y_true, losses)
        np.divide(losses, losses.max(), out=losses)


@caught_by("weighs_as_repetition")
class MeanOfTheBatch(Squared):
    """losses as in squared, but each is the batch's mean."""

    def forward(self, y_pred, y_true, losses):
        losses[...] = np.mean((y_pred - y_true) ** 2)


@caught_by("writes_every_output")
class ForgetsOutOfLosses(Squared):
    """losses as in squared, in a new array."""

    def forward(self, y_pred, y_true, losses):
        losses = np.mean((y_pred - y_true) ** 2, axis=1)  # noqa: F841


@caught_by("leaves_inputs_alone")
class ClipsItsInput(Squared):
    """losses as in squared, with y_pred clipped in place."""

    def forward(self, y_pred, y_true, losses):
        np.clip(y_pred, -1, 1, out=y_pred)
        super().forward(y_pred, y_true, losses)


@caught_by("leaves_inputs_alone")
class ClipsWithinItsRange(Squared):
    """losses as in squared, with y_pred clipped to a range that it never leaves."""

    def backward(self, y_pred, y_true, dy_pred):
        np.clip(y_pred, -1e6, 1e6, out=y_pred)
        super().backward(y_pred, y_true, dy_pred)


@caught_by("takes_batches_of_any_size")
class Summed64(Squared):
    """losses as in squared, of the first 64 samples."""

    def forward(self, y_pred, y_true, losses):
        losses.fill(0)
        super().forward(y_pred[:64], y_true[:64], losses[:64])


@caught_by("gives_predictions")
class PredictsLogits(Loss):
    """losses = sum log(1 + exp(-y_pred)) + (1 - y_true) * y_pred, but predictions are logits."""

    type = "predicts_logits"
    targets = "binary"
    takes = "logits"

    def forward(self, y_pred, y_true, losses):
        each = np.logaddexp(0, -y_pred) + (1 - y_true) * y_pred
        np.sum(each, axis=tuple(range(1, y_pred.ndim)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.exp(-np.logaddexp(0, -y_pred)) - y_true


@caught_by("gives_predictions")
class PredictsInPlace(PredictsLogits):
    """The same, but predictions are the sigmoid of y_pred, computed in place."""

    def predictions(self, y_pred):
        y_pred[...] = np.exp(-np.logaddexp(0, -y_pred))
        return y_pred


@caught_by("takes_usual_predictions")
class RefusesItsExampleShapes(Squared):
    """losses as in squared, for a y that it does not take."""

    example_shapes = ((3,), ((2,), (5,)))


@caught_by("takes_each_form_of_targets")
class TakesOneHotForLabels(Crossentropy):
    """losses as in crossentropy, but one-hot rows are read as if they were labels."""

    def prepare(self, y, output_shape, dtype):
        labels = y.astype(int).reshape(len(y), -1)[:, 0]
        if labels.max() >= output_shape[0]:
            raise ValueError("a label is too large")
        return np.eye(output_shape[0], dtype=dtype)[labels]


@caught_by("refuses_wrong_targets")
class TakesAnyLabel(Crossentropy):
    """losses as in crossentropy, but labels that are too large count as the last class."""

    def prepare(self, y, output_shape, dtype):
        return super().prepare(np.minimum(y, output_shape[0] - 1), output_shape, dtype)


@caught_by("prepares_what_it_declares")
class ChangesTheUsersY(Squared):
    """losses as in squared, but y is scaled in place."""

    def prepare(self, y, output_shape, dtype):
        y *= 2
        return super().prepare(y, output_shape, dtype)


@caught_by("takes_each_form_of_targets")
class LeavesYFlat(Squared):
    """losses as in squared, but y (n,) is broadcast against (n, 1)."""

    def prepare(self, y, output_shape, dtype):
        prepared = super().prepare(y, output_shape, dtype)
        return prepared.reshape(-1) if y.ndim == 1 else prepared


@caught_by("can_be_registered")
class UnknownTargets(Squared):
    """losses as in squared, for an unknown kind of targets."""

    targets = "numbers"
