"""Losses whose numbers are wrong."""

import numpy as np

from declnet import Loss


class Squared(Loss):
    """losses = mean over the prediction of (y_pred - y_true)**2; right, the others spoil it."""

    type = "squared"

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.mean((y_pred - y_true) ** 2, axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 * len(dy_pred) / dy_pred.size, out=dy_pred)


class DividedBySamples(Squared):
    """losses as in squared, but the gradient is divided by n."""

    type = "divided_by_samples"

    def backward(self, y_pred, y_true, dy_pred):
        super().backward(y_pred, y_true, dy_pred)
        np.divide(dy_pred, len(dy_pred), out=dy_pred)


class WrongSign(Squared):
    """losses as in squared, but the gradient points uphill."""

    type = "wrong_sign"

    def backward(self, y_pred, y_true, dy_pred):
        super().backward(y_true, y_pred, dy_pred)


class LogCosh(Squared):
    """losses = sum log(cosh(y_pred - y_true)), in the form that overflows."""

    type = "log_cosh_that_overflows"

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(np.log(np.cosh(y_pred - y_true)), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.tanh(y_pred - y_true, out=dy_pred)


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


class ScaledByTheBatch(Squared):
    """losses as in squared, over the batch's largest."""

    type = "scaled_by_the_batch"

    def forward(self, y_pred, y_true, losses):
        super().forward(y_pred, y_true, losses)
        np.divide(losses, losses.max(), out=losses)


class MeanOfTheBatch(Squared):
    """losses as in squared, but each is the batch's mean."""

    type = "mean_of_the_batch"

    def forward(self, y_pred, y_true, losses):
        losses[...] = np.mean((y_pred - y_true) ** 2)


class ForgetsOutOfLosses(Squared):
    """losses as in squared, in a new array."""

    type = "forgets_out_of_losses"

    def forward(self, y_pred, y_true, losses):
        losses = np.mean((y_pred - y_true) ** 2, axis=1)  # noqa: F841


class ClipsItsInput(Squared):
    """losses as in squared, with y_pred clipped where it lies."""

    type = "clips_its_input"

    def forward(self, y_pred, y_true, losses):
        np.clip(y_pred, -1, 1, out=y_pred)
        super().forward(y_pred, y_true, losses)


class ClipsWithinItsRange(Squared):
    """losses as in squared, with y_pred clipped to a range that it never leaves."""

    type = "clips_within_its_range"

    def backward(self, y_pred, y_true, dy_pred):
        np.clip(y_pred, -1e6, 1e6, out=y_pred)
        super().backward(y_pred, y_true, dy_pred)


class Summed64(Squared):
    """losses as in squared, of the first 64 samples."""

    type = "summed_64"

    def forward(self, y_pred, y_true, losses):
        losses.fill(0)
        super().forward(y_pred[:64], y_true[:64], losses[:64])


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


class PredictsInPlace(PredictsLogits):
    """The same, but predictions are the sigmoid of y_pred where y_pred lies."""

    type = "predicts_in_place"

    def predictions(self, y_pred):
        y_pred[...] = np.exp(-np.logaddexp(0, -y_pred))
        return y_pred


class RefusesItsExampleShapes(Squared):
    """losses as in squared, for a y that it does not take."""

    type = "refuses_its_example_shapes"
    example_shapes = ((3,), ((2,), (5,)))


WRONG = {
    DividedBySamples: "gradient_of_predictions",
    WrongSign: "gradient_of_predictions",
    LogCosh: "stays_finite",
    UnclippedCrossentropy: "stays_finite",
    ScaledByTheBatch: "treats_samples_apart",
    MeanOfTheBatch: "weighs_as_repetition",
    ForgetsOutOfLosses: "writes_every_output",
    ClipsItsInput: "leaves_inputs_alone",
    ClipsWithinItsRange: "leaves_inputs_alone",
    Summed64: "takes_batches_of_any_size",
    PredictsLogits: "gives_predictions",
    PredictsInPlace: "gives_predictions",
    RefusesItsExampleShapes: "takes_usual_predictions",
}
