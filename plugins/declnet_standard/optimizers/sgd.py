"""Stochastic gradient descent."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, LearningRate, Optimizer, OptimizerState


class SGD(Optimizer):
    """velocity = momentum * velocity - learning_rate * dw;  w += velocity.

    With nesterov:  w += momentum * velocity - learning_rate * dw, the gradient step added after
    the momentum step (Sutskever et al., On the importance of initialization and momentum in
    deep learning, ICML 2013).

    Unlike in PyTorch, the velocity includes the learning rate of the step it came from; results are
    the same while the rate is constant.
    """

    type = "sgd"
    examples = (
        {},
        {"momentum": 0.9, "decay": 1e-3},
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    )
    usual_learning_rates = (1e-6, 10.0)

    learning_rate: LearningRate = 1.0
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the velocity that stays")
    nesterov: bool = Field(default=False, description="look ahead; needs momentum")

    @model_validator(mode="after")
    def _momentum_to_look_ahead(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum greater than 0, e.g. 0.9")
        return self

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step, with or without momentum."""
        np.multiply(dw, learning_rate, out=dw)
        if not self.momentum:
            np.subtract(w, dw, out=w)
            return
        velocity = state.velocity
        np.multiply(velocity, self.momentum, out=velocity)
        np.subtract(velocity, dw, out=velocity)
        if not self.nesterov:
            np.add(w, velocity, out=w)
            return
        ahead = state.scratch[0]
        np.multiply(velocity, self.momentum, out=ahead)
        np.subtract(ahead, dw, out=ahead)
        np.add(w, ahead, out=w)
