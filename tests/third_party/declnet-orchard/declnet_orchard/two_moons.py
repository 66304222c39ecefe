"""A data source."""

import numpy as np
from pydantic import Field

from declnet import DataInfo, Dataset, DataSource


class TwoMoons(DataSource):
    """Two half circles, one in the other's opening; y is 0 or 1.

    x: (samples, 2); y: labels (samples,).
    """

    type = "two_moons"
    examples = ({"samples": 60},)

    samples: int = Field(ge=2, description="number of points")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of the noise")

    def describe(self) -> DataInfo:
        """Known without drawing."""
        return DataInfo((2,), "float", "classes", (), 2, self.samples)

    def load(self, rng: np.random.Generator) -> Dataset:
        """Draw the points."""
        y = np.arange(self.samples) % 2
        angle = rng.uniform(0, np.pi, self.samples)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x[y == 1] = [1, 0.5] - x[y == 1]
        return Dataset(x + rng.normal(0, self.noise, x.shape), y)
