"""Fusions that do something else than layer and loss do."""

import numpy as np

from declnet import Fusion

from .losses import Squared
from .memory import Doubled


class DoubledSquared(Fusion):
    """y = 2 * x, losses = mean (y - y_true)**2; right, the others spoil it."""

    type = "doubled_squared"

    layer: Doubled
    loss: Squared

    def forward(self, x, y_true, y, losses):
        np.multiply(x, 2, out=y)
        self.loss.forward(y, y_true, losses)

    def backward(self, x, y, y_true, dx):
        np.subtract(y, y_true, out=dx)
        np.multiply(dx, 4 * len(dx) / dx.size, out=dx)


class ForgetsTheLayersSlope(DoubledSquared):
    """As doubled_squared, but dx lacks a factor."""

    type = "forgets_the_layers_slope"

    def backward(self, x, y, y_true, dx):
        self.loss.backward(y, y_true, dx)


class SumsInsteadOfMeans(DoubledSquared):
    """As doubled_squared, but losses are sums."""

    type = "sums_instead_of_means"

    def forward(self, x, y_true, y, losses):
        np.multiply(x, 2, out=y)
        np.sum((y - y_true) ** 2, axis=1, out=losses)


class LeavesPredictionsOut(DoubledSquared):
    """As doubled_squared, but y is not filled."""

    type = "leaves_predictions_out"

    def forward(self, x, y_true, y, losses):
        self.loss.forward(2 * x, y_true, losses)

    def backward(self, x, y, y_true, dx):
        super().backward(x, 2 * x, y_true, dx)


class WritesToPredictions(DoubledSquared):
    """As doubled_squared, but backward writes to y."""

    type = "writes_to_predictions"

    def backward(self, x, y, y_true, dx):
        y -= y_true
        np.multiply(y, 4 * len(dx) / dx.size, out=dx)


WRONG = {
    ForgetsTheLayersSlope: "backward_equals_layer_and_loss",
    SumsInsteadOfMeans: "forward_equals_layer_and_loss",
    LeavesPredictionsOut: "writes_every_output",
    WritesToPredictions: "leaves_inputs_alone",
}
