"""Correct losses."""

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
        elementwise = np.logaddexp(0, -y_pred) + (1 - y_true) * y_pred
        np.sum(elementwise, axis=tuple(range(1, y_pred.ndim)), out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = np.exp(-np.logaddexp(0, -y_pred)) - y_true
