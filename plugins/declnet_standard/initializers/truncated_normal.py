"""Normal draws without the tails."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer


class TruncatedNormal(Initializer):
    """w ~ N(mean, std**2), drawn again where it is more than 2 * std from the mean.

    The remaining draws have a standard deviation of 0.8796 * std, as with Keras's
    TruncatedNormal. PyTorch's trunc_normal_ cuts at absolute limits, -2 and 2 by default.
    """

    type = "truncated_normal"
    examples = ({}, {"std": 0.05})

    mean: float = Field(default=0.0, description="the distribution's mean")
    std: float = Field(default=0.01, ge=0, description="standard deviation before the cut")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws within 2 * std."""
        draws = rng.normal(size=w.shape)
        while (outside := np.abs(draws) > 2).any():
            draws[outside] = rng.normal(size=np.count_nonzero(outside))
        w[...] = self.mean + self.std * draws
