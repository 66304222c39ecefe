"""Normal draws."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer


class Normal(Initializer):
    """w ~ N(mean, std**2)."""

    type = "normal"
    examples = ({}, {"std": 0.05})

    mean: float = Field(default=0.0, description="the distribution's mean")
    std: float = Field(default=0.01, ge=0, description="its standard deviation")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws."""
        w[...] = rng.normal(self.mean, self.std, w.shape)
