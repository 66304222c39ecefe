"""Optimizers with one defect each."""

import numpy as np
from pydantic import Field

from declnet import LearningRate, Optimizer


class Remembering(Optimizer):
    """It reads a scratch array before writing it, as if it kept its values between steps."""

    type = "remembering"

    learning_rate: LearningRate = 0.01

    def update(self, w, dw, state, learning_rate, step):
        last = state.scratch[0]
        np.multiply(last, 0.5, out=last)
        np.add(last, dw, out=last)
        np.multiply(last, learning_rate, out=dw)
        np.subtract(w, dw, out=w)


class AdamOfOneMoment(Optimizer):
    """The second moment has no bias correction, so the first steps are far too long."""

    type = "adam_of_one_moment"

    learning_rate: LearningRate = 0.001

    def state_names(self):
        return ("m", "v")

    def update(self, w, dw, state, learning_rate, step):
        change, root = state.scratch
        np.multiply(state.m, 0.9, out=state.m)
        np.multiply(dw, 0.1, out=change)
        np.add(state.m, change, out=state.m)
        np.multiply(dw, dw, out=dw)
        np.multiply(dw, 0.001, out=dw)
        np.multiply(state.v, 0.999, out=state.v)
        np.add(state.v, dw, out=state.v)
        np.sqrt(state.v, out=root)
        np.add(root, 1e-8, out=root)
        np.divide(state.m, root, out=change)
        np.multiply(change, learning_rate / (1 - 0.9**step), out=change)
        np.subtract(w, change, out=w)


class StepsFromZero(Optimizer):
    """The bias correction counts steps from 0, so the first update divides by 0."""

    type = "steps_from_zero"

    learning_rate: LearningRate = 0.01

    def state_names(self):
        return ("m",)

    def update(self, w, dw, state, learning_rate, step):
        change = state.scratch[0]
        np.multiply(state.m, 0.9, out=state.m)
        np.multiply(dw, 0.1, out=dw)
        np.add(state.m, dw, out=state.m)
        np.divide(state.m, np.float64(1) - np.float64(0.9) ** (step - 1), out=change)
        np.multiply(change, learning_rate, out=change)
        np.subtract(w, change, out=w)


class GrowingDecay(Optimizer):
    """The weight decay has the wrong sign: parameters without a gradient grow."""

    type = "growing_decay"
    examples = ({"weight_decay": 0.01},)

    learning_rate: LearningRate = 0.01
    weight_decay: float = Field(default=0.0, ge=0, description="share of w taken at each step")

    def update(self, w, dw, state, learning_rate, step):
        np.multiply(dw, learning_rate, out=dw)
        np.multiply(w, 1 + learning_rate * self.weight_decay, out=w)
        np.subtract(w, dw, out=w)


class CenteredSquares(Optimizer):
    """Rounding makes the variance of constant gradients negative and its root NaN."""

    type = "centered_squares"

    learning_rate: LearningRate = 0.001

    def state_names(self):
        return ("mean", "square")

    def update(self, w, dw, state, learning_rate, step):
        change, root = state.scratch
        np.multiply(state.mean, 0.9, out=state.mean)
        np.multiply(dw, 0.1, out=change)
        np.add(state.mean, change, out=state.mean)
        np.multiply(change, dw, out=change)
        np.multiply(state.square, 0.9, out=state.square)
        np.add(state.square, change, out=state.square)
        np.multiply(state.mean, state.mean, out=root)
        np.subtract(state.square, root, out=root)
        np.sqrt(root, out=root)
        np.add(root, 1e-3, out=root)
        np.divide(dw, root, out=change)
        np.multiply(change, learning_rate, out=change)
        np.subtract(w, change, out=w)


DEFECTS = (
    ("A", Remembering),
    ("B", AdamOfOneMoment),
    ("B", StepsFromZero),
    ("B", GrowingDecay),
    ("B", CenteredSquares),
)
