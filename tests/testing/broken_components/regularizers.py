"""Regularizers that break their contract."""

import numpy as np
from pydantic import Field

from declnet import Regularizer


class Squares(Regularizer):
    """penalty = strength * sum w**2; right, the others spoil it."""

    type = "squares"
    examples = ({"strength": 0.1},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w):
        return self.strength * float(np.sum(w * w))

    def add_gradient(self, w, dw):
        np.add(dw, 2 * self.strength * w, out=dw)


class OverwritesTheGradient(Squares):
    """penalty = strength * sum w**2."""

    type = "overwrites_the_gradient"

    def add_gradient(self, w, dw):
        np.multiply(w, 2 * self.strength, out=dw)


class HalfTheGradient(Squares):
    """penalty = strength * sum w**2."""

    type = "half_the_gradient"

    def add_gradient(self, w, dw):
        np.add(dw, self.strength * w, out=dw)


class ShrinksTheWeights(Squares):
    """penalty = strength * sum w**2."""

    type = "shrinks_the_weights"

    def add_gradient(self, w, dw):
        w *= 1 - self.strength
        super().add_gradient(w, dw)


class NeverOff(Squares):
    """penalty = (strength + 0.01) * sum w**2."""

    type = "never_off"

    def penalty(self, w):
        return (self.strength + 0.01) * float(np.sum(w * w))

    def add_gradient(self, w, dw):
        np.add(dw, 2 * (self.strength + 0.01) * w, out=dw)


class UndefinedAtZero(Squares):
    """penalty = strength * sum |w|**1.5, with a gradient that divides by w."""

    type = "undefined_at_zero"

    def penalty(self, w):
        return self.strength * float(np.sum(np.abs(w) ** 1.5))

    def add_gradient(self, w, dw):
        np.add(dw, 1.5 * self.strength * np.abs(w) ** 1.5 / w, out=dw)


class ClipsTheWeights(Squares):
    """penalty = strength * sum w**2, with w clipped to a range that it never leaves."""

    type = "clips_the_weights"

    def penalty(self, w):
        np.clip(w, -1e9, 1e9, out=w)
        return super().penalty(w)


WRONG = {
    OverwritesTheGradient: "adds_to_the_gradient",
    HalfTheGradient: "gradient_of_penalty",
    ShrinksTheWeights: "leaves_inputs_alone",
    NeverOff: "strength_zero_does_nothing",
    UndefinedAtZero: "penalty_is_a_finite_number",
    ClipsTheWeights: "leaves_inputs_alone",
}
