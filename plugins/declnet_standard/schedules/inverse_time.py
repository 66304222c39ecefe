"""Inverse time decay."""

from pydantic import Field

from declnet import Schedule


class InverseTime(Schedule):
    """rate = initial_rate / (1 + decay * (step - 1)), steps from 1; as an optimizer's decay."""

    type = "inverse_time"
    examples = ({"initial_rate": 0.02, "decay": 1e-3},)

    initial_rate: float = Field(ge=0, description="the learning rate of the first step")
    decay: float = Field(ge=0, description="how fast it falls")

    def rate(self, step: int, total: int) -> float:
        """initial_rate / (1 + decay * (step - 1))."""
        return self.initial_rate / (1 + self.decay * (step - 1))
