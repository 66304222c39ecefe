"""Cosine annealing without restarts."""

from math import cos, pi

from pydantic import Field

from declnet import Schedule


class Cosine(Schedule):
    """rate = final_rate + (initial_rate - final_rate) * (1 + cos(pi * done)) / 2.

    done = min(step - 1, steps) / steps, steps from 1: after `steps` updates (default: the whole
    training) the rate stays at final_rate (PyTorch's CosineAnnealingLR rises again).
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
    """

    type = "cosine"
    examples = (
        {"initial_rate": 0.02},
        {"initial_rate": 0.1, "final_rate": 0.001, "steps": 5000},
    )

    initial_rate: float = Field(ge=0, description="the learning rate of the first step")
    final_rate: float = Field(default=0.0, ge=0, description="the rate in the end")
    steps: int | None = Field(
        default=None,
        ge=1,
        description="updates from the initial to the final rate; default: those of the training",
    )

    def rate(self, step: int, total: int) -> float:
        """final_rate + (initial_rate - final_rate) * (1 + cos(pi * done)) / 2."""
        steps = self.steps or total
        done = min(step - 1, steps) / steps
        return self.final_rate + (self.initial_rate - self.final_rate) * (1 + cos(pi * done)) / 2
