"""Stochastic gradient descent."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class SGD(Optimizer):
    """velocity = momentum * velocity - learning_rate * dw;  w += velocity.

    Unlike PyTorch's, the velocity holds the learning rate of the step that it came from.
    """

    type = "sgd"
    examples = ({}, {"momentum": 0.9, "decay": 1e-3})

    learning_rate: LearningRate = 1.0
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the velocity that stays")

    def state_names(self) -> tuple[str, ...]:
        """The velocity, where there is momentum."""
        return ("velocity",) if self.momentum else ()

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """One step, with momentum or without."""
        np.multiply(dw, learning_rate, out=dw)
        if not self.momentum:
            np.subtract(w, dw, out=w)
            return
        velocity = state.velocity
        np.multiply(velocity, self.momentum, out=velocity)
        np.subtract(velocity, dw, out=velocity)
        np.add(w, velocity, out=w)
