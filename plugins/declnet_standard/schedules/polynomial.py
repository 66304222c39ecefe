"""Polynomial decay."""

from pydantic import Field

from declnet import Schedule


class Polynomial(Schedule):
    """rate = final_rate + (initial_rate - final_rate) * (1 - done) ** power.

    done = min(step - 1, steps) / steps, steps from 1: after `steps` updates (default: the whole
    training) the rate stays at final_rate. With power 1 the decay is linear. As in Keras's
    PolynomialDecay; PyTorch's PolynomialLR always ends at 0.
    """

    type = "polynomial"
    examples = (
        {"initial_rate": 0.02},
        {"initial_rate": 0.1, "final_rate": 0.001, "steps": 5000, "power": 2.0},
    )

    initial_rate: float = Field(ge=0, description="the learning rate of the first step")
    final_rate: float = Field(default=0.0, ge=0, description="the rate in the end")
    steps: int | None = Field(
        default=None,
        ge=1,
        description="updates from the initial to the final rate; default: those of the training",
    )
    power: float = Field(default=1.0, gt=0, description="1 falls evenly, more falls early")

    def rate(self, step: int, total: int) -> float:
        """final_rate + (initial_rate - final_rate) * (1 - done) ** power."""
        steps = self.steps or total
        done = min(step - 1, steps) / steps
        left: float = (1 - done) ** self.power
        return self.final_rate + (self.initial_rate - self.final_rate) * left
