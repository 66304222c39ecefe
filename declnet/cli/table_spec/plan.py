"""All choices for a table."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10, sqrt
from typing import Any

from declnet.cli.table_spec.features import Features
from declnet.cli.table_spec.sizes import Sizes
from declnet.cli.table_spec.task import Task
from declnet.data.table_profile import ColumnProfile

USUAL = 3.0
"""A mean or a deviation of the target below this needs no other start than the usual one."""
DIGITS = 1e4
"""Deviations that the mean may be away from 0, with the digits of float32."""


@dataclass(frozen=True)
class Plan:
    """What the spec will say.

    Attributes:
        source: the fields of the data source, path and target among them.
        target: facts about the target column.
        task: what is to be predicted.
        features: from which columns.
        sizes: by the number of rows.
        early_stopping: whether that callback is installed.
        unlabelled: how many rows are left out, since they have no target.
    """

    source: dict[str, Any]
    target: ColumnProfile
    task: Task
    features: Features
    sizes: Sizes
    early_stopping: bool
    unlabelled: int = 0

    @property
    def last_units(self) -> int:
        """Of the last dense layer."""
        return self.target.distinct if self.task == "classes" else 1

    @property
    def start(self) -> tuple[float, float] | None:
        """Deviation of the last weights and value of the last bias to begin with.

        None for the usual ones. With them the first predictions of numbers have the mean and the
        spread of the target, whatever its unit; small steps then suffice.
        """
        if self.task != "number":
            return None
        mean, std = self.target.mean, self.target.std
        if abs(mean) < USUAL and 1 / USUAL < std < USUAL:
            return None
        places = 2 - floor(log10(std))
        return float(f"{std / sqrt(self.sizes.units):.3g}"), round(mean, places)

    @property
    def double(self) -> bool:
        """Whether the target needs more digits than float32 has."""
        target = self.target
        return self.task == "number" and abs(target.mean) > DIGITS * target.std
