"""Adadelta: steps scaled by the size of earlier steps, relative to the gradient."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class Adadelta(Optimizer):
    """w -= learning_rate * change,  change = dw * sqrt(d + epsilon) / sqrt(v + epsilon).

    v = (1 - rho) * cache,    cache = rho * cache + dw**2
    d = (1 - rho) * changes,  changes = rho * changes + change**2, after the step

    Epsilon is inside the roots and sets the size of the first steps; it is 1e-6 as in PyTorch
    (Keras: 1e-7), whereas all other optimizers here use 1e-7. The factors (1 - rho) cancel except
    in epsilon / (1 - rho). Zeiler, ADADELTA, arXiv:1212.5701, 2012.
    """

    type = "adadelta"
    examples = ({}, {"learning_rate": 0.5, "rho": 0.95})
    usual_learning_rates = (1e-3, 10.0)

    learning_rate: LearningRate = 1.0
    rho: float = Field(default=0.9, ge=0, lt=1, description="share of both caches that stays")
    epsilon: float = Field(default=1e-6, gt=0, description="added inside both roots")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the discounted sums of squared gradients and changes."""
        return ("cache", "changes")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step."""
        cache, changes = state.cache, state.changes
        size, ratio = state.scratch
        epsilon = self.epsilon / (1 - self.rho)
        np.multiply(dw, dw, out=size)
        np.multiply(cache, self.rho, out=cache)
        np.add(cache, size, out=cache)
        np.add(cache, epsilon, out=size)
        np.add(changes, epsilon, out=ratio)
        np.divide(ratio, size, out=ratio)
        np.sqrt(ratio, out=ratio)
        np.multiply(dw, ratio, out=dw)
        np.multiply(dw, dw, out=size)
        np.multiply(changes, self.rho, out=changes)
        np.add(changes, size, out=changes)
        np.multiply(dw, learning_rate, out=dw)
        np.subtract(w, dw, out=w)
