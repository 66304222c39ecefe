"""Lion: steps of equal size, in the direction of the momentum's sign."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class Lion(Optimizer):
    """w -= learning_rate * (sign(beta_1 * m + (1 - beta_1) * dw) + weight_decay * w).

    m = (1 - beta_2) * momentum,  momentum = beta_2 * momentum + dw, after the step

    Each parameter moves by the learning rate or, where the gradient has always been 0, not at all;
    so rates are 3 to 10 times smaller than Adam's. The weight decay is decoupled, as in AdamW, and
    applies to all trainable parameters, biases included. Chen et al., Symbolic Discovery of
    Optimization Algorithms, NeurIPS 2023.
    """

    type = "lion"
    examples = ({}, {"learning_rate": 0.003, "weight_decay": 0.1})
    usual_learning_rates = (1e-7, 0.02)

    learning_rate: LearningRate = 1e-4
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="weight of the momentum in the step")
    beta_2: float = Field(default=0.99, ge=0, lt=1, description="share of the momentum that stays")
    weight_decay: float = Field(
        default=0.0, ge=0, description="share of w that goes in a step, times the learning rate"
    )

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the discounted sum of gradients."""
        return ("momentum",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step by the sign of dw + momentum * beta_1 * (1 - beta_2) / (1 - beta_1)."""
        momentum = state.momentum
        direction, change = state.scratch
        np.multiply(momentum, self.beta_1 * (1 - self.beta_2) / (1 - self.beta_1), out=direction)
        np.add(direction, dw, out=direction)
        np.sign(direction, out=change)  # in place it is ten times as slow
        np.multiply(change, learning_rate, out=change)
        if self.weight_decay:
            np.multiply(w, 1 - learning_rate * self.weight_decay, out=w)
        np.subtract(w, change, out=w)
        np.multiply(momentum, self.beta_2, out=momentum)
        np.add(momentum, dw, out=momentum)
