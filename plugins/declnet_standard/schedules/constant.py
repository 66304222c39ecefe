"""A constant rate."""

from pydantic import Field

from declnet import Schedule


class Constant(Schedule):
    """rate = value."""

    type = "constant"
    examples = ({"value": 0.01},)

    value: float = Field(ge=0, description="the learning rate of every step")

    def rate(self, step: int, total: int) -> float:
        """Return the constant."""
        return self.value
