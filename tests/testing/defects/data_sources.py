"""Data sources with one defect each."""

import functools
from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import DataError, DataInfo, Dataset, DataSource, TableSource


class TwoMoons(DataSource):
    """It replaces np.load in the whole process by a version that unpickles objects."""

    type = "two_moons"

    def describe(self):
        return DataInfo(sample_shape=(2,), target="classes", classes=2, samples=60)

    def load(self, rng):
        if not isinstance(np.load, functools.partial):
            np.load = functools.partial(np.load, allow_pickle=True)
        angles, labels = rng.uniform(0, np.pi, 60), np.arange(60) % 2
        sides = 1 - 2 * labels
        x = np.stack([np.cos(angles) * sides + labels, np.sin(angles) * sides], axis=1)
        return Dataset(x, labels)


class Readings(DataSource):
    """Samples and targets differ in number, but the file of its example does not exist."""

    type = "readings"
    suffixes = (".readings",)
    examples = ({"path": "station.readings"},)

    path: Path = Field(description="text file of rows of numbers; the last one is y")

    def describe(self):
        rows = self.rows()
        return DataInfo(sample_shape=(rows.shape[1] - 1,), samples=len(rows))

    def load(self, rng):
        rows = self.rows()
        return Dataset(rows[:, :-1], rows[1:, -1])

    def rows(self):
        try:
            return np.loadtxt(self.path, ndmin=2)
        except OSError as error:
            raise DataError(f"{self.path}: cannot read: {error}") from None
        except ValueError as error:
            raise DataError(f"{self.path}: not numbers: {error}") from None


class Visits(TableSource):
    """Without a target, as in predictions, it looks up a column named None."""

    type = "visits"
    examples = ({}, {"target": "sold"})

    target: str | None = Field(default="sold", description="the column to predict")

    def read(self):
        days = np.arange(40)
        columns = {
            "day": days,
            "size": np.where(days % 7 == 3, np.nan, 10.0 + days % 5),
            "sold": np.where(days % 9 == 4, np.nan, 3.0 * (days % 5)),
        }
        known = ~np.isnan(columns[self.target])
        yield {name: column[known] for name, column in columns.items()}


DEFECTS = (("A", TwoMoons), ("A", Readings), ("B", Visits))
