"""A series: the runs of one spec with several seeds or folds, and the figures over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from declnet.runs.sweep.task import Outcome


@dataclass(frozen=True)
class Spread:
    """How a figure lies over several runs.

    Attributes:
        standard_deviation: of the sample (n - 1); None of a single run.
    """

    mean: float
    standard_deviation: float | None
    minimum: float
    maximum: float

    def as_data(self) -> dict[str, float | None]:
        """As `summary.json` has it."""
        return {
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "min": self.minimum,
            "max": self.maximum,
        }


def spread(values: Sequence[float]) -> Spread:
    """Mean, deviation and range; all NaN if any value is not finite.

    Args:
        values: at least one.
    """
    if not all(map(math.isfinite, values)):
        return Spread(math.nan, math.nan, math.nan, math.nan)
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), deviation, min(values), max(values))


@dataclass(frozen=True)
class Series:
    """The outcomes of one spec, in the order of the seeds and then of the folds."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def finished(self) -> list[Outcome]:
        """Those with figures."""
        return [each for each in self.outcomes if each.error is None]

    def figures(self) -> dict[tuple[str, str], list[float]]:
        """Every figure of the finished runs by data set and name, in the order of the runs."""
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            for data, values in outcome.metrics.items():
                for name, value in values.items():
                    found.setdefault((data, name), []).append(value)
        return found

    def seconds(self) -> list[float]:
        """Of the finished runs."""
        return [each.seconds for each in self.finished if each.seconds is not None]

    def as_data(self, directory: Path) -> dict[str, Any]:
        """The content of `<directory>/summary.json`; figures that are no number are null there."""
        spreads: dict[str, dict[str, Any]] = {}
        for (data, name), values in self.figures().items():
            spreads.setdefault(data, {})[name] = spread(values).as_data()
        seconds = self.seconds()
        return {
            "name": self.name,
            "seeds": list(dict.fromkeys(each.seed for each in self.outcomes)),
            "finished": len(self.finished),
            "figures": spreads,
            "seconds": spread(seconds).as_data() if seconds else None,
            "runs": [_run(each, directory) for each in self.outcomes],
        }


def series_of(outcomes: Iterable[Outcome]) -> list[Series]:
    """The series by name, in the order in which the names come first; runs by seed and fold."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, []).append(outcome)
    return [
        Series(name, tuple(sorted(each, key=lambda outcome: (outcome.seed, outcome.fold or 0))))
        for name, each in by_name.items()
    ]


def _run(outcome: Outcome, directory: Path) -> dict[str, Any]:
    data: dict[str, Any] = {
        "seed": outcome.seed,
        **({"fold": outcome.fold} if outcome.fold is not None else {}),
        "folder": outcome.directory.relative_to(directory).as_posix(),
        "status": outcome.status,
    }
    if outcome.error is not None:
        return data | {"error": outcome.error}
    return data | {"seconds": outcome.seconds, "metrics": outcome.metrics}
