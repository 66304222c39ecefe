"""Adagrad: each parameter's rate decreases with its accumulated gradients."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class Adagrad(Optimizer):
    """cache += dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon).

    As in PyTorch, which has epsilon 1e-10; Keras has epsilon inside the root and a cache that
    starts at 0.1. Duchi, Hazan and Singer, Adaptive Subgradient Methods, JMLR 2011.
    """

    type = "adagrad"
    examples = ({}, {"decay": 1e-4})
    usual_learning_rates = (1e-5, 2.0)

    learning_rate: LearningRate = 1.0
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root, against 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the sum of squared gradients."""
        return ("cache",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step."""
        cache, change = state.cache, state.scratch[0]
        np.multiply(dw, dw, out=change)
        np.add(cache, change, out=cache)
        np.sqrt(cache, out=change)
        np.add(change, self.epsilon, out=change)
        np.divide(dw, change, out=change)
        np.multiply(change, learning_rate, out=change)
        np.subtract(w, change, out=w)
