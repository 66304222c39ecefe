"""Rows that are drawn at random from a table, which is read part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, missing_values
from declnet.data.passes import followed
from declnet.data.reservoir import Reservoir

MOST_COUNTED = 1000
"""Different values of a column that are counted, at most."""

Part = tuple[range, dict[str, Array]]
"""The numbers of consecutive rows, and their columns."""

PartsOf = Callable[[Any], Iterator[Part]]
"""A method that yields the rows of a source in parts."""


@dataclass(frozen=True, eq=False)
class TableSample:
    """Rows of a table that are drawn at random.

    Attributes:
        table: the rows, in order, with their numbers.
        rows: the number of rows of the whole table.
        counts: how many of all rows have each value, of columns of few values.
        in_blocks: whether they can be read in blocks, as `data.stream` needs.
    """

    table: Table
    rows: int
    counts: Mapping[str, Mapping[Any, int]]
    in_blocks: bool


@dataclass(frozen=True, eq=False)
class TypedRows:
    """Rows of a part of a table, with their numbers, in columns of the types so far."""

    rows: range | Array
    columns: dict[str, Array]

    def take(self, positions: Array) -> TypedRows:
        """Return some of the rows."""
        columns = {name: column[positions] for name, column in self.columns.items()}
        return TypedRows(np.asarray(self.rows)[positions], columns)


class RandomRows:
    """Rows that are drawn while all of them are read.

    Args:
        rng: what draws them.
        most: how many to draw.
        counted: the columns whose values are counted.

    Attributes:
        count: the number of rows that were read.
        counts: how many of these have each value, of columns of few values.
    """

    def __init__(self, rng: np.random.Generator, most: int, counted: Iterable[str]) -> None:
        self._rng, self._most, self.count = rng, most, 0
        self._drawn: Reservoir[TypedRows] = Reservoir()
        self.counts: dict[str, Counter[Any]] = {name: Counter() for name in counted}

    def read(self, parts: Iterable[Part]) -> list[TypedRows]:
        """Read parts of a table; return the rows that are drawn from each."""
        for rows, columns in followed(parts, "reading the table", lambda part: len(part[0])):
            self._count(columns)
            keys = self._rng.random(len(rows))
            self._drawn.add(TypedRows(rows, columns), keys, self._most)
            self.count += len(rows)
        if self.count:
            self._drawn.trim(self._most)
        return self._drawn.parts

    def _count(self, columns: Mapping[str, Array]) -> None:
        for name in self.counts.keys() & columns.keys():
            column = columns[name]
            self.counts[name].update(column[~missing_values(column)].tolist())
            if len(self.counts[name]) > MOST_COUNTED:
                del self.counts[name]
