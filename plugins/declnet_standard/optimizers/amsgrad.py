"""AMSGrad: Adam with nonincreasing rates."""

from math import sqrt

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class AMSGrad(Optimizer):
    """w -= learning_rate * m / (sqrt(v) + epsilon), v from the largest cache so far.

    m = (1 - beta_1) * momentum / (1 - beta_1**step),  momentum = beta_1 * momentum + dw
    v = (1 - beta_2) * peak / (1 - beta_2**step),      peak = max(peak, cache)
                                                       cache = beta_2 * cache + dw**2

    The maximum is taken before the bias correction, as in PyTorch (amsgrad=True) and Keras; Keras
    adds epsilon before the correction. Reddi, Kale and Kumar, On the Convergence of Adam and
    Beyond, ICLR 2018 (without the corrections).
    """

    type = "amsgrad"
    examples = ({}, {"learning_rate": 0.02, "beta_2": 0.99})
    usual_learning_rates = (1e-6, 0.1)

    learning_rate: LearningRate = 0.001
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="share of the momentum that stays")
    beta_2: float = Field(default=0.999, ge=0, lt=1, description="share of the cache that stays")
    epsilon: float = Field(default=1e-7, gt=0, description="added to the root, against 0 / 0")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the discounted sums (gradients, squares) and of the peak."""
        return ("momentum", "cache", "peak")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """w -= learning_rate * scale_m / scale_v * momentum / (sqrt(peak) + epsilon / scale_v)."""
        momentum, cache, peak, change = state.momentum, state.cache, state.peak, state.scratch[0]
        scale_m = (1 - self.beta_1) / (1 - self.beta_1**step)
        scale_v = sqrt((1 - self.beta_2) / (1 - self.beta_2**step))
        np.multiply(momentum, self.beta_1, out=momentum)
        np.add(momentum, dw, out=momentum)
        np.multiply(dw, dw, out=dw)
        np.multiply(cache, self.beta_2, out=cache)
        np.add(cache, dw, out=cache)
        np.maximum(peak, cache, out=peak)
        np.sqrt(peak, out=change)
        np.add(change, self.epsilon / scale_v, out=change)
        np.divide(momentum, change, out=change)
        np.multiply(change, learning_rate * scale_m / scale_v, out=change)
        np.subtract(w, change, out=w)
