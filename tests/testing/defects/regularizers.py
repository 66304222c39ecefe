"""Regularizers with one defect each."""

import numpy as np
from pydantic import Field

from declnet import Regularizer


class Talkative(Regularizer):
    """It prints its penalty to standard output."""

    type = "talkative"
    examples = ({"strength": 0.01},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w):
        penalty = self.strength * float(np.sum(w * w))
        print("penalty", penalty)  # noqa: T201
        return penalty

    def add_gradient(self, w, dw):
        np.add(dw, 2 * self.strength * w, out=dw)


class Norm(Regularizer):
    """The gradient of the norm is NaN for a parameter of zeros, such as new biases."""

    type = "norm"
    examples = ({"strength": 0.01},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w):
        return self.strength * float(np.sqrt(np.sum(w * w)))

    def add_gradient(self, w, dw):
        np.add(dw, self.strength * w / np.sqrt(np.sum(w * w)), out=dw)


class MeanSquare(Regularizer):
    """The penalty is the mean of the squares, but the gradient is computed for their sum."""

    type = "mean_square"
    examples = ({"strength": 0.01},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w):
        return self.strength * float(np.mean(w * w))

    def add_gradient(self, w, dw):
        np.add(dw, 2 * self.strength * w, out=dw)


DEFECTS = (("A", Talkative), ("B", Norm), ("B", MeanSquare))
