"""Data sets that ship with scikit-learn."""

from importlib import import_module
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource


class ScikitLearn(DataSource):
    """Small real data: four to classify, one (diabetes) to fit.

    x: (n, features), y: labels (n,), or values (n,) for diabetes. digits are 8 by 8 images, row by
    row, with values from 0 to 16. Needs the extra `sklearn`.
    """

    type = "sklearn"
    examples = ({"dataset": "iris"}, {"dataset": "digits", "part": "test", "test_fraction": 0.25})

    dataset: Literal["digits", "iris", "wine", "breast_cancer", "diabetes"] = Field(
        description="which one"
    )
    part: Literal["all", "train", "test"] = Field(
        default="all", description="all samples, or one side of a random split"
    )
    test_fraction: float = Field(default=0.2, gt=0, lt=1, description="share of the part test")
    split_seed: int = Field(default=0, ge=0, description="of the split; give both parts the same")

    def describe(self) -> DataInfo:
        """Load the data, which is small."""
        return DataInfo.of(*self._arrays())

    def load(self, rng: np.random.Generator) -> Dataset:
        """Load the data; only the split is random, with its own seed."""
        return Dataset(*self._arrays())

    def _arrays(self) -> tuple[Array, Array]:
        try:
            datasets = import_module("sklearn.datasets")
        except ImportError:
            raise DataError(
                'the data source sklearn needs scikit-learn: pip install "declnet[sklearn]"'
            ) from None
        x, y = getattr(datasets, f"load_{self.dataset}")(return_X_y=True)
        order = np.random.default_rng(self.split_seed).permutation(len(x))
        size = round(len(x) * self.test_fraction)
        chosen = {"all": slice(None), "train": order[size:], "test": order[:size]}[self.part]
        return x[chosen], y[chosen]
