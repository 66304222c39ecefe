"""Runs of one spec with several seeds or folds: the distribution of each metric, their summary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from declnet.contracts.runs.plan import Outcome
from declnet.contracts.serialization import Number
from declnet.display.displayed import Displayed
from declnet.runs.distribution import mean_and_deviation


@dataclass(frozen=True)
class Spread:
    """The distribution of a metric over several runs.

    Attributes:
        standard_deviation: sample standard deviation (n - 1); None for a single run.
    """

    mean: Number
    standard_deviation: float | None
    min: Number
    max: Number


Spreads = dict[str, dict[str, Spread]]
"""The distributions of metrics by data set and name."""


def spread(values: Sequence[float]) -> Spread:
    """Return mean, standard deviation and range; all NaN if any value is not finite.

    Args:
        values: at least one value.
    """
    mean, deviation = mean_and_deviation(values)
    if math.isnan(mean):
        return Spread(mean, mean, mean, mean)
    return Spread(mean, deviation, min(values), max(values))


@dataclass(frozen=True)
class RunSeries(Displayed):
    """The outcomes of one spec, ordered by seed and then by fold."""

    name: str
    outcomes: tuple[Outcome, ...]

    def displayed(self) -> Iterable[object]:
        """Return a row for each run, and the distribution of each metric."""
        from declnet.runs.display.series_tables import series_table

        return (replace(series_table(self), title=self.name),)

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes of finished runs."""
        return [outcome for outcome in self.outcomes if outcome.error is None]

    def metrics(self) -> dict[tuple[str, str], list[float]]:
        """Return every metric of the finished runs by data set and name, in run order."""
        values_of: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            for data, values in outcome.metrics.items():
                for name, value in values.items():
                    values_of.setdefault((data, name), []).append(value)
        return values_of

    def gaps(self) -> dict[tuple[str, str], list[float]]:
        """Return the training metric of each finished run minus the same metric on other data.

        Keys are the other data set and the name of a metric that both data sets have.
        """
        gaps_of: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            train = outcome.metrics.get("train", {})
            for data, values in outcome.metrics.items():
                for name in values if data != "train" else ():
                    if name in train:
                        gaps_of.setdefault((data, name), []).append(train[name] - values[name])
        return gaps_of

    def spreads(self) -> Spreads:
        """Return the distribution of each metric of the finished runs, by data set and name."""
        return spreads_of(self.metrics())

    def seconds(self) -> list[float]:
        """Return the durations of the finished runs in seconds."""
        return [outcome.seconds for outcome in self.finished if outcome.seconds is not None]

    def summary(self, directory: Path, jobs: int | None = None) -> dict[str, Any]:
        """Return what `<directory>/summary.json` contains.

        Args:
            directory: the folder that holds those of the runs.
            jobs: how many runs were trained at once; None if none was trained here now.
        """
        seconds = self.seconds()
        return {
            "name": self.name,
            "seeds": list(dict.fromkeys(outcome.seed for outcome in self.outcomes)),
            "finished": len(self.finished),
            "metrics": spreads_of(self.metrics()),
            "gaps": spreads_of(self.gaps()),
            "seconds": spread(seconds) if seconds else None,
            "runs": [_run_summary(outcome, directory) for outcome in self.outcomes],
            **({"jobs": jobs} if jobs is not None else {}),
        }


def _run_summary(outcome: Outcome, directory: Path) -> dict[str, Any]:
    """Return how a run of a series ended, without unknown values."""
    summary = {
        "seed": outcome.seed,
        "fold": outcome.fold,
        "folder": outcome.directory.relative_to(directory).as_posix(),
        "status": outcome.status,
        "error": outcome.error,
        "seconds": outcome.seconds,
        "metrics": outcome.metrics or None,
    }
    return {key: value for key, value in summary.items() if value is not None}


def series_of(outcomes: Iterable[Outcome]) -> list[RunSeries]:
    """Return the series in order of first appearance, each with its runs by seed and fold."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, []).append(outcome)
    return [
        RunSeries(
            name, tuple(sorted(of_spec, key=lambda outcome: (outcome.seed, outcome.fold or 0)))
        )
        for name, of_spec in by_name.items()
    ]


def spreads_of(metrics: Mapping[tuple[str, str], Sequence[float]]) -> Spreads:
    """Return the distribution of each metric, by data set and name."""
    spreads: Spreads = {}
    for (data, name), values in metrics.items():
        spreads.setdefault(data, {})[name] = spread(values)
    return spreads
