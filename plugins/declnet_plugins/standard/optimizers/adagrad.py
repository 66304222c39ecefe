"""Adagrad, RMSProp and Adadelta: steps divided by the size of earlier gradients."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class Adagrad(Optimizer):
    """cache += dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon).

    The same as the book's (chapter 10), and as in PyTorch, which has epsilon 1e-10; Keras has
    epsilon inside the root and a cache that starts at 0.1.

    Duchi, Hazan and Singer, Adaptive Subgradient Methods, JMLR 2011.
    """

    type = "adagrad"
    examples = ({}, {"decay": 1e-4})
    other_keys = {"eps": "epsilon"}
    usual_learning_rates = (1e-5, 2.0)

    learning_rate: LearningRate = 1.0
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root to avoid 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the sum of squared gradients."""
        return ("cache",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """cache += dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon)."""
        cache, change = state.cache, state.scratch[0]
        np.multiply(dw, dw, out=change)
        np.add(cache, change, out=cache)
        np.sqrt(cache, out=change)
        np.add(change, self.epsilon, out=change)
        np.divide(dw, change, out=change)
        np.multiply(change, learning_rate, out=change)
        np.subtract(w, change, out=w)


class RMSProp(Optimizer):
    """cache = rho * cache + (1 - rho) * dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon).

    The same as the book's (chapter 10), and as in PyTorch, which has rho = 0.99 (alpha), epsilon
    1e-8 and rate 0.01; Keras has epsilon inside the root.

    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """

    type = "rmsprop"
    examples = ({}, {"learning_rate": 0.02, "rho": 0.999})
    other_keys = {"alpha": "rho", "eps": "epsilon"}
    usual_learning_rates = (1e-6, 0.1)

    learning_rate: LearningRate = 0.001
    rho: float = Field(default=0.9, ge=0, lt=1, description="fraction of the cache kept each step")
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root to avoid 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the running mean of squared gradients."""
        return ("cache",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Update the cache with dw**2;  w -= learning_rate * dw / (sqrt(cache) + epsilon)."""
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
    other_keys = {"eps": "epsilon"}
    usual_learning_rates = (1e-3, 10.0)

    learning_rate: LearningRate = 1.0
    rho: float = Field(
        default=0.9, ge=0, lt=1, description="fraction of both caches kept each step"
    )
    epsilon: float = Field(default=1e-6, gt=0, description="added inside both roots")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the discounted sums of squared gradients and changes."""
        return ("cache", "changes")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step, with both roots in one, sqrt((d + epsilon) / (v + epsilon))."""
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
