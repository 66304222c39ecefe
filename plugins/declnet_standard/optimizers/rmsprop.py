"""RMSProp: each parameter's rate is scaled by the running mean of its squared gradients."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class RMSProp(Optimizer):
    """cache = rho * cache + (1 - rho) * dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon).

    As in PyTorch, which has rho = 0.99 (alpha), epsilon 1e-8 and rate 0.01; Keras has epsilon
    inside the root. Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """

    type = "rmsprop"
    examples = ({}, {"learning_rate": 0.02, "rho": 0.999})
    usual_learning_rates = (1e-6, 0.1)

    learning_rate: LearningRate = 0.001
    rho: float = Field(default=0.9, ge=0, lt=1, description="share of the cache that stays")
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root, against 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the running mean of squared gradients."""
        return ("cache",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step."""
        cache, change = state.cache, state.scratch[0]
        np.multiply(cache, self.rho, out=cache)
        np.multiply(dw, dw, out=change)
        np.multiply(change, 1 - self.rho, out=change)
        np.add(cache, change, out=cache)
        np.sqrt(cache, out=change)
        np.add(change, self.epsilon, out=change)
        np.divide(dw, change, out=change)
        np.multiply(change, learning_rate, out=change)
        np.subtract(w, change, out=w)
