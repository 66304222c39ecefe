"""Exponential decay."""

from pydantic import Field

from declnet import Schedule


class Exponential(Schedule):
    """rate = initial_rate * decay_rate ** ((step - 1) / decay_steps), steps from 1.

    With staircase, the exponent is rounded down: the rate drops after each decay_steps steps.
    PyTorch's ExponentialLR has decay_steps = 1; Keras's ExponentialDecay is the same as this.
    """

    type = "exponential"
    examples = (
        {"initial_rate": 0.02, "decay_rate": 0.999},
        {"initial_rate": 0.1, "decay_rate": 0.5, "decay_steps": 1000},
        {"initial_rate": 0.1, "decay_rate": 0.5, "decay_steps": 1000, "staircase": True},
    )

    initial_rate: float = Field(ge=0, description="the learning rate of the first step")
    decay_rate: float = Field(gt=0, le=1, description="factor of decay_steps steps")
    decay_steps: int = Field(default=1, ge=1, description="steps in which the rate decays by it")
    staircase: bool = Field(default=False, description="decay at once after each decay_steps steps")

    def rate(self, step: int, total: int) -> float:
        """initial_rate * decay_rate ** ((step - 1) / decay_steps)."""
        steps = step - 1
        times = steps // self.decay_steps if self.staircase else steps / self.decay_steps
        return self.initial_rate * self.decay_rate**times
