"""Adam: momentum divided by the running magnitude of each gradient."""

from math import sqrt

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class Adam(Optimizer):
    """w -= learning_rate * m / (sqrt(v) + epsilon), with both moments bias-corrected.

    m = (1 - beta_1) * momentum / (1 - beta_1**step),  momentum = beta_1 * momentum + dw
    v = (1 - beta_2) * cache / (1 - beta_2**step),     cache = beta_2 * cache + dw**2

    The factors (1 - beta) are outside the sums, so they are applied once per step to two numbers
    instead of to each element. As in PyTorch, which has epsilon 1e-8; Keras adds epsilon before
    the correction. Kingma and Ba, Adam, ICLR 2015.
    """

    type = "adam"
    examples = ({}, {"learning_rate": 0.02, "decay": 5e-7})
    usual_learning_rates = (1e-6, 0.1)

    learning_rate: LearningRate = 0.001
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="share of the momentum that stays")
    beta_2: float = Field(default=0.999, ge=0, lt=1, description="share of the cache that stays")
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root, against 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the discounted sums of gradients and of their squares."""
        return ("momentum", "cache")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """W -= learning_rate * scale_m / scale_v * momentum / (sqrt(cache) + epsilon / scale_v)."""
        momentum, cache, change = state.momentum, state.cache, state.scratch[0]
        scale_m = (1 - self.beta_1) / (1 - self.beta_1**step)
        scale_v = sqrt((1 - self.beta_2) / (1 - self.beta_2**step))
        np.multiply(momentum, self.beta_1, out=momentum)
        np.add(momentum, dw, out=momentum)
        np.multiply(dw, dw, out=dw)
        np.multiply(cache, self.beta_2, out=cache)
        np.add(cache, dw, out=cache)
        np.sqrt(cache, out=change)
        np.add(change, self.epsilon / scale_v, out=change)
        np.divide(momentum, change, out=change)
        np.multiply(change, learning_rate * scale_m / scale_v, out=change)
        np.subtract(w, change, out=w)
