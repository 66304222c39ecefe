"""Step decay."""

from pydantic import Field

from declnet import Schedule


class Step(Schedule):
    """rate = initial_rate * factor ** floor((step - 1) / every), steps from 1.

    As in PyTorch's StepLR, if it is stepped after each update rather than each epoch.
    """

    type = "step"
    examples = (
        {"initial_rate": 0.1, "every": 1000},
        {"initial_rate": 0.02, "factor": 0.5, "every": 200},
    )

    initial_rate: float = Field(ge=0, description="the learning rate of the first step")
    factor: float = Field(default=0.1, gt=0, le=1, description="what it is multiplied by each time")
    every: int = Field(ge=1, description="updates between two decreases")

    def rate(self, step: int, total: int) -> float:
        """initial_rate * factor ** floor((step - 1) / every)."""
        return self.initial_rate * self.factor ** ((step - 1) // self.every)
