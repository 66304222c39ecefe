"""A constant."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer


class Constant(Initializer):
    """w = value."""

    type = "constant"
    examples = ({"value": 0.1},)

    value: float = Field(description="every element")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = value."""
        w[...] = self.value
