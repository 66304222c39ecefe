"""nnfs's spiral."""

import numpy as np
from pydantic import Field

from declnet import DataInfo, Dataset, DataSource
from declnet_standard.data.legacy_generator import drawn


class NNFSSpiral(DataSource):
    """Interleaved spiral arms with noise, one arm a class.

    x: (samples * classes, 2); y: labels (samples * classes,). Drawn by nnfs.datasets.
    """

    type = "nnfs_spiral"
    examples = ({"samples": 100, "classes": 3},)

    samples: int = Field(ge=1, description="points a class")
    classes: int = Field(ge=1, le=256, description="number of classes")

    def describe(self) -> DataInfo:
        """Return the shapes, known without drawing."""
        return DataInfo((2,), "float", "classes", (), self.classes, self.samples * self.classes)

    def load(self, rng: np.random.Generator) -> Dataset:
        """Draw the points."""
        from nnfs.datasets import spiral_data

        return Dataset(*drawn(lambda: spiral_data(self.samples, self.classes), rng))
