"""TableProfile: what a table holds, for those who write a spec for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from declnet.components.columns import ColumnType

Task = Literal["binary", "classes", "values"]
"""What is to be predicted: one of two classes, one of several, or a number; a loss with the same
`targets` suits."""


@dataclass(frozen=True)
class ColumnProfile:
    """Facts about a column.

    Attributes:
        name: of the column.
        type: of its values.
        rows: of the table.
        missing: how many of them have nothing here.
        distinct: different values, those that are missing left out.
        counts_rows: whether it holds integers, each of them one more than the one above.
        whole: whether all numbers are whole ones; true for booleans, too.
        infinite: how many numbers are infinite.
        mean: of finite numbers; 0 for text.
        std: of finite numbers; 0 for text.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    distinct: int
    counts_rows: bool = False
    whole: bool = False
    infinite: int = 0
    mean: float = 0.0
    std: float = 0.0

    @property
    def present(self) -> int:
        """How many values there are."""
        return self.rows - self.missing


@dataclass(frozen=True)
class TableProfile:
    """Facts about a table, with nothing of how a model treats it.

    Attributes:
        source: the data source that reads it, as `[data.train]` of a spec in the spec's folder has
            it: its type, file, target and what else it needs.
        columns: facts about each column, the target's too, by name and in order; only of rows that
            have a target.
        target: the name of the column that is to be predicted.
        task: what sort of target it is.
        unlabeled: how many rows are left out, since they have no target.
        selects_features: whether the source has a key `features`, the list of the columns to
            predict from.
    """

    source: Mapping[str, Any]
    columns: Mapping[str, ColumnProfile]
    target: str
    task: Task
    unlabeled: int = 0
    selects_features: bool = True

    @property
    def rows(self) -> int:
        """How many rows have a target."""
        return self.columns[self.target].rows

    @property
    def features(self) -> tuple[ColumnProfile, ...]:
        """The columns beside the target, in order."""
        return tuple(each for name, each in self.columns.items() if name != self.target)
