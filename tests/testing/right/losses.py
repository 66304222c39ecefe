"""Right losses."""

import numpy as np
from pydantic import Field

from declnet import Loss


class Squared(Loss):
    """losses = mean over the prediction of (y_pred - y_true)**2."""

    type = "squared"

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.mean((y_pred - y_true) ** 2, axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 * len(dy_pred) / dy_pred.size, out=dy_pred)


class Crossentropy(Loss):
    """losses = -log(clip(y_pred[label]))."""

    type = "crossentropy"
    targets = "classes"

    def forward(self, y_pred, y_true, losses):
        np.sum(y_pred * y_true, axis=1, out=losses)
        np.clip(losses, 1e-7, 1 - 1e-7, out=losses)
        losses[...] = -np.log(losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = -y_true / np.clip(y_pred, 1e-7, 1 - 1e-7)


class RowSquares(Loss):
    """losses = mean (y_pred - y_true)**2, for predictions of one axis."""

    type = "row_squares"

    def forward(self, y_pred, y_true, losses):
        np.mean((y_pred - y_true) ** 2, axis=1, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 / y_pred.shape[1], out=dy_pred)


class Counts(Loss):
    """losses = y_pred - y_true * log(y_pred), for counts, which are not negative."""

    type = "counts"

    def prepare(self, y, output_shape, dtype):
        if not (y >= 0).all() or not (y == np.floor(y)).all():
            raise ValueError("counts are whole and not negative")
        return super().prepare(y, output_shape, dtype)

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(y_pred - y_true * np.log(y_pred), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 1 - y_true / y_pred


class Margin(Loss):
    """losses = sum max(0, 1 - y_true * y_pred), for y of -1 and 1."""

    type = "margin"

    def prepare(self, y, output_shape, dtype):
        if not np.isin(y, (-1, 1)).all():
            raise ValueError("y must be -1 or 1")
        return super().prepare(y, output_shape, dtype)

    def forward(self, y_pred, y_true, losses):
        axes = tuple(range(1, y_pred.ndim))
        np.sum(np.maximum(0, 1 - y_true * y_pred), axis=axes, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.where(y_true * y_pred < 1, -y_true, 0)


class SparseCrossentropy(Loss):
    """losses = -log(clip(y_pred[label])) ** power, with labels as y_true."""

    type = "sparse_crossentropy"
    targets = "classes"
    examples = ({"power": 1.0}, {"power": 2.0})

    power: float = Field(gt=0, description="exponent of each loss")

    def prepare(self, y, output_shape, dtype):
        return super().prepare(y, output_shape, dtype).argmax(axis=1)

    def forward(self, y_pred, y_true, losses):
        p = np.clip(y_pred[np.arange(len(y_true)), y_true], 1e-7, 1 - 1e-7)
        losses[...] = (-np.log(p)) ** self.power

    def backward(self, y_pred, y_true, dy_pred):
        rows = np.arange(len(y_true))
        p = np.clip(y_pred[rows, y_true], 1e-7, 1 - 1e-7)
        dy_pred.fill(0)
        dy_pred[rows, y_true] = -self.power * (-np.log(p)) ** (self.power - 1) / p


class BinaryLogits(Loss):
    """losses = sum log(1 + exp(-y_pred)) + (1 - y_true) * y_pred; predictions are probabilities."""

    type = "binary_logits"
    targets = "binary"
    takes = "logits"

    def predictions(self, y_pred):
        return np.exp(-np.logaddexp(0, -y_pred))

    def forward(self, y_pred, y_true, losses):
        each = np.logaddexp(0, -y_pred) + (1 - y_true) * y_pred
        np.sum(each, axis=tuple(range(1, y_pred.ndim)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.exp(-np.logaddexp(0, -y_pred)) - y_true


class GaussianWidth(Loss):
    """losses = width + (y_true - mean)**2 / 2 / exp(2 * width), for predictions (mean, width)."""

    type = "gaussian_width"
    example_shapes = (((2,), ()), ((2,), (1,)))

    def prepare(self, y, output_shape, dtype):
        if output_shape != (2,) or y.size != len(y):
            raise ValueError("a mean and a width are needed for each number of y")
        return y.reshape(-1).astype(dtype)

    def forward(self, y_pred, y_true, losses):
        mean, width = y_pred[:, 0], np.clip(y_pred[:, 1], -10, 10)
        losses[...] = width + (y_true - mean) ** 2 / 2 / np.exp(2 * width)

    def backward(self, y_pred, y_true, dy_pred):
        gap, width = y_pred[:, 0] - y_true, np.clip(y_pred[:, 1], -10, 10)
        scale = np.exp(2 * width)
        dy_pred[:, 0] = gap / scale
        dy_pred[:, 1] = (1 - gap**2 / scale) * (np.abs(y_pred[:, 1]) < 10)


RIGHT = (
    Squared,
    Crossentropy,
    RowSquares,
    Counts,
    Margin,
    SparseCrossentropy,
    BinaryLogits,
    GaussianWidth,
)
