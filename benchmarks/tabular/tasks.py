"""Fixed splits of the sets into rows to train on, to validate on and to test on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np

from tabular.sets import TableSet, load

Array = Any

MOST_ROWS = 2000
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
    """

    data: TableSet
    split: int
    most_rows: int = MOST_ROWS

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """Return the rows of each part: disjoint, in random order, stratified by class."""
        data = self.data
        labels = np.array(data.columns[data.target])
        known = np.flatnonzero(labels != "")
        if not data.classes:
            labels = np.full(data.rows, "")
        seed = crc32(data.name.encode())
        rows = _spread(known, labels, np.random.default_rng([seed]))[: self.most_rows]
        generator = np.random.default_rng([seed, self.split + 1])
        rows = _spread(np.sort(rows), labels, generator)
        ends = np.round(np.cumsum([*PARTS.values()]) * len(rows)).astype(int)
        parts = np.split(rows, ends[:-1])
        return {
            name: generator.permutation(part).tolist()
            for name, part in zip(PARTS, parts, strict=True)
        }

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
        found: dict[str, Array] = {}
        for name, cells in self.data.columns.items():
            values = [cells[row] for row in self.rows[part]]
            if name in self.data.numbers:
                found[name] = np.array([float(cell) if cell else np.nan for cell in values])
            elif name != self.data.target:
                found[name] = np.array([cell or None for cell in values], dtype=object)
        return found

    def frame(self, part: str) -> Any:
        """Return a part's features for pandas: numbers, and categories of the whole set."""
        import pandas as pd

        found = {}
        for name, values in self.features(part).items():
            if name in self.data.numbers:
                found[name] = values
            else:
                levels = sorted(set(self.data.columns[name]) - {""})
                found[name] = pd.Categorical(values, categories=levels)
        return pd.DataFrame(found)


def task_of(name: str, split: int, most_rows: int = MOST_ROWS) -> Task:
    """Return a split of the set with that name."""
    return Task(load(name), split, most_rows)


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
