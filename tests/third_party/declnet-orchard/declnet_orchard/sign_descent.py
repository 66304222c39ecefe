"""An optimizer."""

import numpy as np
from pydantic import Field

from declnet import Array, LearningRate, Optimizer, OptimizerState


class SignDescent(Optimizer):
    """average = beta * average + (1 - beta) * dw;  w -= learning_rate * sign(average)."""

    type = "sign_descent"

    learning_rate: LearningRate = Field(default=0.01, description="size of each step")
    beta: float = Field(default=0.5, ge=0, lt=1, description="share of the average that stays")

    def state_names(self) -> tuple[str, ...]:
        """The running average of the gradient."""
        return ("average",)

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """One step."""
        state.average *= self.beta
        state.average += (1 - self.beta) * dw
        w -= learning_rate * np.sign(state.average)
