"""Example data sets of nnfs and scikit-learn."""

from importlib import import_module
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource, ForkSafeLock

_one_at_a_time = ForkSafeLock()


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


class NNFSPoints(DataSource):
    """Points of several classes in the plane, drawn by a function of nnfs.datasets."""

    function: ClassVar[str]

    samples: int = Field(ge=1, description="points a class")
    classes: int = Field(ge=1, le=256, description="number of classes")

    def describe(self) -> DataInfo:
        """Return the shapes, known without drawing."""
        return DataInfo((2,), "float", "classes", (), self.classes, self.samples * self.classes)

    def load(self, rng: np.random.Generator) -> Dataset:
        """Draw the points with the global generator, seeded from `rng`; restore its state.

        The lock serializes data sources in this process; it cannot block other code that uses the
        global generator at the same time.
        """
        from nnfs import datasets

        seed = int(rng.integers(2**32))
        with _one_at_a_time:
            before = np.random.get_state()
            try:
                np.random.seed(seed)
                return Dataset(*getattr(datasets, self.function)(self.samples, self.classes))
            finally:
                np.random.set_state(before)


class NNFSSpiral(NNFSPoints):
    """Interleaved spiral arms with noise, one arm per class.

    x: (samples * classes, 2); y: labels (samples * classes,). Drawn by nnfs.datasets.
    """

    type = "nnfs_spiral"
    examples = ({"samples": 100, "classes": 3},)
    function = "spiral_data"


class NNFSVertical(NNFSPoints):
    """Clouds side by side along the first axis, one cloud per class.

    x: (samples * classes, 2); y: labels (samples * classes,). Drawn by nnfs.datasets.
    """

    type = "nnfs_vertical"
    examples = ({"samples": 100, "classes": 3},)
    function = "vertical_data"


class ScikitLearn(DataSource):
    """Small real data: four to classify, one (diabetes) to fit.

    x: (n, features), y: labels (n,), or values (n,) for diabetes. digits are 8 by 8 images, row by
    row, with values from 0 to 16. Needs the extra `sklearn`.
    """

    type = "sklearn"
    examples = ({"dataset": "iris"}, {"dataset": "digits", "part": "test", "test_fraction": 0.25})

    dataset: Literal["digits", "iris", "wine", "breast_cancer", "diabetes"] = Field(
        description="the data set"
    )
    part: Literal["all", "train", "test"] = Field(
        default="all", description="all samples, or one side of a random split"
    )
    test_fraction: float = Field(
        default=0.2, gt=0, lt=1, description="fraction of samples in the test part"
    )
    split_seed: int = Field(
        default=0, ge=0, description="seed of the split; use the same for both parts"
    )

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
