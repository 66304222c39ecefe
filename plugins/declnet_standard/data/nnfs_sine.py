"""nnfs's sine."""

import numpy as np
from pydantic import Field

from declnet import DataInfo, Dataset, DataSource


class NNFSSine(DataSource):
    """y = sin(2 * pi * x) for x from 0 to 1, evenly spaced and without noise.

    x, y: (samples, 1). Computed by nnfs.datasets.
    """

    type = "nnfs_sine"
    examples = ({"samples": 1000},)

    samples: int = Field(default=1000, ge=1, description="number of points")

    def describe(self) -> DataInfo:
        """Return the shapes, known without computing."""
        return DataInfo((1,), "float", "values", (1,), None, self.samples)

    def load(self, rng: np.random.Generator) -> Dataset:
        """Compute the points; nothing is random."""
        from nnfs.datasets import sine_data

        return Dataset(*sine_data(self.samples))
