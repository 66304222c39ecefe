"""Right metrics and data sources."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from declnet import (
    ColumnError,
    DataError,
    DataInfo,
    Dataset,
    DataSource,
    Metric,
    Table,
    Transform,
    missing_values,
)


class LargestError(Metric):
    """The largest |y_pred - y_true| of all samples."""

    type = "largest_error"
    better = "lower"

    def start(self):
        return [0.0]

    def update(self, state, y_pred, y_true):
        error = np.abs(y_pred - y_true.reshape(y_pred.shape))
        state[0] = max(state[0], float(error.max()))

    def result(self, state):
        return state[0]


class WidthError(Metric):
    """The mean of |y - mean| over the width, for predictions (mean, width) of each number of y."""

    type = "width_error"
    better = "lower"
    example_shapes = (((2,), ()),)

    def start(self):
        return np.zeros(2)

    def update(self, state, y_pred, y_true):
        state += np.abs((y_true - y_pred[:, 0]) / (1 + np.abs(y_pred[:, 1]))).sum(), len(y_true)

    def result(self, state):
        return state[0] / state[1]


class AreaUnderTheCurve(Metric):
    """The chance that a positive sample is ranked above a negative one; binary targets only."""

    type = "area_under_the_curve"
    better = "higher"

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        if y_pred.shape[1] != 1 or not np.isin(y_true, (0, 1)).all():
            raise ValueError("binary targets only")
        state += zip(y_true.reshape(-1).tolist(), y_pred[:, 0].tolist(), strict=True)

    def result(self, state):
        positive = np.array([score for target, score in state if target == 1])
        negative = np.array([score for target, score in state if target == 0])
        return float(np.mean(positive[:, None] > negative[None]))


class Pictures(DataSource):
    """Random images with integer pixels and one-hot labels."""

    type = "pictures"
    examples = ({}, {"labels": "integers"})

    labels: str = Field(default="one_hot", description="one_hot or integers")

    def describe(self):
        if self.labels == "one_hot":
            return DataInfo((3, 8, 8), "integer", "values", (4,), None, 20)
        return DataInfo((3, 8, 8), "integer", "classes", (), 4, None)

    def load(self, rng):
        x = rng.integers(0, 256, (20, 3, 8, 8), dtype=np.uint8)
        labels = rng.integers(0, 4, 20)
        return Dataset(x, np.eye(4)[labels] if self.labels == "one_hot" else labels)


class FromAFolder(DataSource):
    """Arrays of a folder, which this example does not have."""

    type = "from_a_folder"
    examples = ({"folder": "/no/such/folder"},)

    folder: Path = Field(description="where the arrays are")

    def describe(self):
        return DataInfo.of(*self.arrays())

    def load(self, rng):
        return Dataset(*self.arrays())

    def arrays(self):
        raise DataError(f"{self.folder}: there is no such folder")


class PointsOfAFile(Pictures):
    """The same, for files of points, which are not there."""

    type = "points_of_a_file"
    suffixes: ClassVar[tuple[str, ...]] = (".points",)

    @classmethod
    def for_file(cls, path, like=None):
        return cls() if like is None else like


class Sizes(DataSource):
    """A table of numbers and text, with gaps."""

    type = "sizes"

    def describe(self):
        return None

    def load(self, rng):
        sizes = rng.normal(size=20)
        sizes[3] = np.nan
        names = np.array(["a", None] * 10, object)
        return Table({"size": sizes, "name": names, "kind": np.arange(20) % 2}, target="kind")


class Ranks(Transform):
    """y = the share of the training data that is smaller than x."""

    type = "ranks"

    def suits(self, column):
        return column.dtype.kind == "f" and column.ndim == 1

    def fit(self, x):
        if not self.suits(x):
            raise ColumnError("is no column of floats")
        return {"sorted": np.sort(x[~np.isnan(x)])}

    def apply(self, x, state):
        if not self.suits(x):
            raise ColumnError("is no column of floats")
        ranks = np.searchsorted(state["sorted"], x) / max(len(state["sorted"]), 1)
        return np.where(np.isnan(x), np.nan, ranks)


class Lengths(Transform):
    """y = [the number of letters, whether there are any], of text; gaps are refused."""

    type = "lengths"

    def suits(self, column):
        return column.dtype.kind == "O"

    def apply(self, x, state):
        if not self.suits(x):
            raise ColumnError("is not text")
        gaps = missing_values(x)
        if gaps.any():
            raise ColumnError("is missing", int(np.argmax(gaps)))
        return np.array([[len(each), bool(each)] for each in x]).reshape(len(x), 2)

    def feature_names(self, names, state):
        return tuple(f"{name} {what}" for name in names for what in ("length", "there"))


RIGHT = (
    Sizes,
    Ranks,
    Lengths,
    LargestError,
    WidthError,
    AreaUnderTheCurve,
    Pictures,
    PointsOfAFile,
    FromAFolder,
)
