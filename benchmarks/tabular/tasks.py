"""Fixed splits of the sets into rows to train on, to validate on and to test on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np

from tabular.sets import listing_of
from tabular.table_set import TableSet, date_of
from tabular.wheels import read

Array = Any

QUICK_ROWS = 400
QUICK_SECONDS = 5.0
"""Rows of a set, and wall time of tuning, when methods are only tried."""
FOLDS = 5
"""Of the rows to learn from, for methods that are bagged."""
MOST_LEVELS = 250
"""Of a category in a frame, if a library accepts no more than 255."""
TUNING_SECONDS = 180.0
"""Wall time of a fit of a tuned method, on one core: a few trials of the settings of each."""
SPLITS = 2
"""Of every set, for every method."""
MORE_SPLITS = 6
"""For pairs of methods that so few test rows cannot tell apart; the first ones are the same."""
PARTS = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""The share of each part, as in the paper of RealMLP."""


@dataclass(frozen=True)
class Task:
    """A set with one of its splits; its number is also the seed of the methods.

    Attributes:
        data: the set.
        split: the number of the split, from 0.
        most_rows: rows that are used of a larger set.
        more_tests: how many of the other rows are also tested on, the same for each split.
        fold: the part of the rows to learn from that is validated on in place of the split's
            validation rows; None: those of the split.
        seconds: wall time that a tuned method has.
    """

    data: TableSet
    split: int
    most_rows: int = 2000
    more_tests: int = 0
    fold: int | None = None
    seconds: float = TUNING_SECONDS

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """The rows of each part: disjoint, in random order, stratified by class."""
        if self.fold is not None:
            start, stop = (len(self.learning) * at // FOLDS for at in (self.fold, self.fold + 1))
            train = self.learning[:start] + self.learning[stop:]
            return {**self._parts, "train": train, "validation": self.learning[start:stop]}
        return self._parts

    @cached_property
    def _parts(self) -> dict[str, list[int]]:
        labels = self._labels
        known = np.flatnonzero(np.array(self.data.columns[self.data.target]) != "")
        order = _spread(known, labels, np.random.default_rng([self._seed]))
        rows, others = np.sort(order[: self.most_rows]), order[self.most_rows :]
        generator = np.random.default_rng([self._seed, self.split + 1])
        rows = _spread(rows, labels, generator)
        ends = np.round(np.cumsum([*PARTS.values()]) * len(rows)).astype(int)
        parts = {
            name: generator.permutation(part).tolist()
            for name, part in zip(PARTS, np.split(rows, ends[:-1]), strict=True)
        }
        return {**parts, "test": parts["test"] + others[: self.more_tests].tolist()}

    @cached_property
    def learning(self) -> list[int]:
        """The rows to train and to validate on, whose fifths are the folds, but for up to four."""
        rows = np.sort(self._parts["train"] + self._parts["validation"])
        generator = np.random.default_rng([self._seed, self.split + 1, FOLDS])
        order: list[int] = _spread(rows, self._labels, generator).tolist()
        return order[: len(order) - len(order) % FOLDS]

    @property
    def folds(self) -> list[Task]:
        """The task of each fold; the test rows are the same."""
        return [replace(self, fold=fold) for fold in range(FOLDS)]

    @property
    def _seed(self) -> int:
        return crc32(self.data.name.encode())

    @cached_property
    def _labels(self) -> Array:
        """The classes by row, or one class for all if the target is a number."""
        labels = np.array(self.data.columns[self.data.target])
        return labels if self.data.classes else np.full(self.data.rows, "")

    @property
    def fingerprint(self) -> str:
        """Return a hash of the cells of each part."""
        digest = hashlib.sha256(f"{self.data.target} {self.data.task}".encode())
        for part, rows in self.rows.items():
            for name, cells in self.data.columns.items():
                digest.update(json.dumps([part, name, [cells[row] for row in rows]]).encode())
        return digest.hexdigest()[:12]

    def target(self, part: str) -> Array:
        """Return the positions of the classes in `classes`, or the values, of a part's rows."""
        cells = [self.data.columns[self.data.target][row] for row in self.rows[part]]
        if self.data.task == "regression":
            return np.array([float(cell) for cell in cells])
        position = {name: at for at, name in enumerate(self.data.classes)}
        return np.array([position[cell] for cell in cells])

    def features(self, part: str) -> dict[str, Array]:
        """Return a part's features: numbers as float64, NaN if missing; texts with None."""
        features: dict[str, Array] = {}
        for name, cells in self.data.columns.items():
            values = [cells[row] for row in self.rows[part]]
            if name in self.data.numbers:
                features[name] = np.array([float(cell) if cell else np.nan for cell in values])
            elif name != self.data.target:
                features[name] = np.array([cell or None for cell in values], dtype=object)
        return features

    def frame(self, part: str, most_levels: int | None = None) -> Any:
        """Return a part's features for pandas: numbers, categories of the whole set, and prose.

        A date becomes the number of days, the month, the day of the week and the hour.

        Args:
            part: the name of the part.
            most_levels: how many levels a category has, the most frequent rows of training;
                the others are missing.
        """
        import pandas as pd

        columns = {}
        for name, values in self.features(part).items():
            if name in self.data.numbers:
                columns[name] = values
            elif name in self.data.dates:
                columns |= _parts_of_dates(name, values)
            elif name in self.data.texts:
                columns[name] = np.array([value or "" for value in values], dtype=object)
            else:
                columns[name] = pd.Categorical(values, categories=self._levels(name, most_levels))
        return pd.DataFrame(columns)

    def _levels(self, name: str, most: int | None) -> list[str]:
        cells = self.data.columns[name]
        levels = sorted(set(cells) - {""})
        if most is None or len(levels) <= most:
            return levels
        counts = Counter(cells[row] for row in self.rows["train"] if cells[row])
        return sorted(level for level, _ in counts.most_common(most))


def task_of(name: str, split: int, most_rows: int | None = None) -> Task:
    """Return a split of the set with that name.

    Args:
        name: the set.
        split: the number of the split, from 0.
        most_rows: rows that are used of a larger set; default: as the list of sets says.
    """
    listing = listing_of(name)
    if most_rows is not None:
        return Task(read(listing), split, most_rows)
    return Task(read(listing), split, listing.most_rows, listing.more_tests)


def quick_task_of(name: str, split: int) -> Task:
    """Return a small task, which shows whether a method works."""
    return replace(task_of(name, split, QUICK_ROWS), seconds=QUICK_SECONDS)


def _parts_of_dates(name: str, values: Array) -> dict[str, Array]:
    """Return numbers that tell dates, NaN for a missing one."""
    dates = [date_of(value) if value else None for value in values]
    epoch = datetime(1970, 1, 1)
    parts: dict[str, Callable[[datetime], float]] = {
        "days": lambda date: (date - epoch).total_seconds() / 86400,
        "month": lambda date: date.month,
        "weekday": lambda date: date.weekday(),
        "hour": lambda date: date.hour,
    }
    return {
        f"{name}.{part}": np.array([np.nan if date is None else float(of(date)) for date in dates])
        for part, of in parts.items()
    }


def _spread(rows: Array, labels: Array, generator: np.random.Generator) -> Array:
    """Return rows in an order whose every part has about the same share of each class.

    The k-th row at random of a class with n rows comes at (k + u) / n, with one random u a class.
    """
    places = np.empty(len(rows))
    for label in np.unique(labels[rows]):
        members = np.flatnonzero(labels[rows] == label)
        places[members] = generator.permutation(len(members)) + generator.random()
        places[members] /= len(members)
    return rows[np.argsort(places, kind="stable")]
