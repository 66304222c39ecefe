"""Runs of one spec with several seeds or folds: the distribution of each metric, their summary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from declnet.contracts.runs.plan import Outcome


@dataclass(frozen=True)
class Spread:
    """The distribution of a metric over several runs.

    Attributes:
        standard_deviation: sample standard deviation (n - 1); None for a single run.
    """

    mean: float
    standard_deviation: float | None
    minimum: float
    maximum: float

    def as_data(self) -> dict[str, float | None]:
        """Return the values as in `summary.json`."""
        return {
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "min": self.minimum,
            "max": self.maximum,
        }


def spread(values: Sequence[float]) -> Spread:
    """Return mean, standard deviation and range; all NaN if any value is not finite.

    Args:
        values: at least one value.
    """
    if not all(map(math.isfinite, values)):
        return Spread(math.nan, math.nan, math.nan, math.nan)
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), deviation, min(values), max(values))


@dataclass(frozen=True)
class RunSeries:
    """The outcomes of one spec, ordered by seed and then by fold."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes of finished runs."""
        return [each for each in self.outcomes if each.error is None]

    def metrics(self) -> dict[tuple[str, str], list[float]]:
        """Return every metric of the finished runs by data set and name, in run order."""
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            for data, values in outcome.metrics.items():
                for name, value in values.items():
                    found.setdefault((data, name), []).append(value)
        return found

    def gaps(self) -> dict[tuple[str, str], list[float]]:
        """Return the training metric of each finished run minus the same metric on other data.

        Keys are the other data set and the name of a metric that both data sets have.
        """
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            train = outcome.metrics.get("train", {})
            for data, values in outcome.metrics.items():
                for name in values if data != "train" else ():
                    if name in train:
                        found.setdefault((data, name), []).append(train[name] - values[name])
        return found

    def spreads(self) -> dict[str, dict[str, Spread]]:
        """Return the distribution of each metric of the finished runs, by data set and name."""
        return spreads_of(self.metrics())

    def seconds(self) -> list[float]:
        """Return the durations of the finished runs in seconds."""
        return [each.seconds for each in self.finished if each.seconds is not None]

    def as_data(self, directory: Path) -> dict[str, Any]:
        """Return the content of `<directory>/summary.json`, with null for non-finite metrics."""
        seconds = self.seconds()
        return {
            "name": self.name,
            "seeds": list(dict.fromkeys(each.seed for each in self.outcomes)),
            "finished": len(self.finished),
            "metrics": _as_data(spreads_of(self.metrics())),
            "gaps": _as_data(spreads_of(self.gaps())),
            "seconds": spread(seconds).as_data() if seconds else None,
            "runs": [_run(each, directory) for each in self.outcomes],
        }


def series_of(outcomes: Iterable[Outcome]) -> list[RunSeries]:
    """Return the series in order of first appearance, each with its runs by seed and fold."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, []).append(outcome)
    return [
        RunSeries(name, tuple(sorted(each, key=lambda outcome: (outcome.seed, outcome.fold or 0))))
        for name, each in by_name.items()
    ]


def spreads_of(metrics: Mapping[tuple[str, str], Sequence[float]]) -> dict[str, dict[str, Spread]]:
    """Return the distribution of each metric, by data set and name."""
    found: dict[str, dict[str, Spread]] = {}
    for (data, name), values in metrics.items():
        found.setdefault(data, {})[name] = spread(values)
    return found


def _as_data(spreads: Mapping[str, Mapping[str, Spread]]) -> dict[str, Any]:
    return {
        data: {name: each.as_data() for name, each in own.items()} for data, own in spreads.items()
    }


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
