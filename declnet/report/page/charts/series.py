"""The curves of one figure: its values over the epochs, by run and data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.report.page.numbers import shown_number
from declnet.report.page.statistics.thinning import curve_positions

VALIDATION = "validation_"
POINTS = 4000
"""Points of a chart, all series together."""
MARKS = 6
"""Points of a series that have a shape, which tells runs apart without colour."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Series:
    """One curve: points (epoch, value), in order.

    Attributes:
        part: the data set, `train` or `validation`; empty if the figure is of no data set.
    """

    run: str
    part: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Curves:
    """All curves of a figure, e.g. of the loss.

    Attributes:
        name: as the history has it.
        several: whether they are of several runs.
    """

    name: str
    series: tuple[Series, ...]
    several: bool

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    @property
    def runs(self) -> list[str]:
        """All runs that have the figure."""
        return list(dict.fromkeys(each.run for each in self.series))

    @property
    def parts(self) -> list[str]:
        """All data sets that the figure is of."""
        return [part for part in dict.fromkeys(each.part for each in self.series) if part]

    def label(self, series: Series) -> str:
        """What tells a curve from the others."""
        words = ([series.run] if self.several else []) + ([series.part] if series.part else [])
        return " ".join(words) or self.title

    def values(self) -> list[dict[str, Any]]:
        """The points to draw, thinned; some are `marked`, in each series elsewhere."""
        most = max(60, min(400, POINTS // len(self.series)))
        drawn = []
        for number, series in enumerate(self.series):
            kept = curve_positions(np.array([value for _, value in series.points]), most)
            shift = number / len(self.series)
            marked = {int((mark + shift) * len(kept) / MARKS) for mark in range(MARKS)}
            for place, position in enumerate(kept):
                epoch, value = series.points[position]
                row = {"run": series.run, "set": series.part, "epoch": epoch, "value": value}
                row |= {"shown": shown_number(float(value)), "marked": place in marked}
                drawn.append(row)
        return drawn


def curves_of(histories: Mapping[str, Rows], name: str) -> Curves:
    """The curves of a figure; without series if it was not logged.

    Args:
        histories: the logged epochs by run.
        name: of the figure, as the history has it.
    """
    parts = [("", name)]
    if name != "learning_rate":
        parts = [("train", name), ("validation", f"{VALIDATION}{name}")]
    series = []
    for run, rows in histories.items():
        for part, key in parts:
            points = tuple(
                (row["epoch"], row[key]) for row in rows if isinstance(row.get(key), int | float)
            )
            if points:
                series.append(Series(run, part, points))
    return Curves(name, tuple(series), len(histories) > 1)
