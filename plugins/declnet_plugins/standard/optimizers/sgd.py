"""SGD and Lion: steps along the momentum, without a scale for each parameter."""

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, LearningRate, Optimizer, OptimizerState, Schedule, Scheduled


class SGD(Optimizer):
    """velocity = momentum * velocity - learning_rate * dw;  w += velocity.

    Without momentum:  w -= learning_rate * dw. Both are the book's (chapter 10).

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
    other_types = ("gd", "gradient_descent")
    other_keys = {"beta": "momentum"}
    usual_learning_rates = (1e-6, 10.0)

    learning_rate: LearningRate = 1.0
    momentum: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the velocity kept each step"
    )
    nesterov: bool = Field(default=False, description="use Nesterov momentum; needs momentum > 0")

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
        """w -= learning_rate * dw, or with momentum, velocity = … and w += velocity, as above."""
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


class Lion(Optimizer):
    """w -= learning_rate * (sign(beta_1 * m + (1 - beta_1) * dw) + weight_decay * w).

    m = (1 - beta_2) * momentum,  momentum = beta_2 * momentum + dw, after the step

    Each parameter moves by the learning rate or, where the gradient has always been 0, not at all;
    so rates are 3 to 10 times smaller than Adam's. The weight decay is decoupled, as in AdamW, and
    applies to all trainable parameters, biases included. Chen et al., Symbolic Discovery of
    Optimization Algorithms, NeurIPS 2023.
    """

    type = "lion"
    examples = (
        {},
        {"learning_rate": 0.003, "weight_decay": 0.1},
        {"weight_decay": {"type": "flat_cosine", "initial_rate": 0.2}},
    )
    usual_learning_rates = (1e-7, 0.02)

    learning_rate: LearningRate = 1e-4
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="weight of the momentum in the step")
    beta_2: float = Field(
        default=0.99, ge=0, lt=1, description="fraction of the momentum kept each step"
    )
    weight_decay: Annotated[float | Schedule, Scheduled(ge=0)] = Field(
        default=0.0,
        description="fraction of w removed each step, times the learning rate; or a schedule of it",
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
            np.multiply(w, 1 - learning_rate * state.now.weight_decay, out=w)
        np.subtract(w, change, out=w)
        np.multiply(momentum, self.beta_2, out=momentum)
        np.add(momentum, dw, out=momentum)
