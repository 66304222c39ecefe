"""The summary of many runs: the distribution of each metric over the runs of a spec, best first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from declnet.contracts.network.metric_names import LOSSES, Better
from declnet.registry.spelling import suggestion
from declnet.runs.comparison import common_directions
from declnet.runs.display.metrics import DATA_SETS, find_metric, main_metric, order_of, sort_key
from declnet.runs.many.tasks import Outcome
from declnet.spec.messages import shown
from declnet.spec.model import RunSpec
from declnet.training.metrics import directions


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
            "metrics": _spreads(self.metrics()),
            "gaps": _spreads(self.gaps()),
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


def check_metric(wanted: str | None, specs: Sequence[RunSpec], ascending: bool | None) -> None:
    """Reject, before training, a metric that no run will have or that cannot be sorted by.

    Raises:
        ValueError: no spec has such a metric, or its better direction is unknown.
    """
    if wanted is None:
        return
    known, (data, _, name) = _directions(specs), wanted.partition(".")
    if wanted not in known and not (data in DATA_SETS and name in known):
        names = [*(each for each in known if each not in LOSSES), *LOSSES]
        hint = suggestion(name or wanted, names, "metrics")
        raise ValueError(f'no spec has a metric "{wanted}" ({hint})')
    order_of(wanted if wanted in known else name, known, ascending)


def best_first(
    all_series: Sequence[RunSeries],
    wanted: str | None,
    specs: Sequence[RunSpec],
    ascending: bool | None = None,
) -> tuple[list[RunSeries], tuple[str, str] | None]:
    """Sort the series by the mean of a metric; those without it come last.

    Args:
        all_series: the series to sort.
        wanted: a metric accepted by `check_metric`; the main metric if None or if no run has it.
        specs: the specs of the series.
        ascending: whether the lowest mean comes first; None for the best.

    Returns:
        The series, and the metric's data set and name, or None if no run finished.
    """
    known = [metric for each in all_series for metric in each.metrics()]
    found = _directions(specs)
    metric = (find_metric(wanted, known) if wanted else None) or main_metric(known, found)
    if metric is None:
        return list(all_series), None
    first = order_of(metric[1], found, ascending)

    def key(series: RunSeries) -> float:
        values = series.metrics().get(metric)
        return sort_key(spread(values).mean if values else None, first)

    return sorted(all_series, key=key), metric


def _directions(specs: Sequence[RunSpec]) -> dict[str, Better | None]:
    return common_directions(directions(each.heads) for each in specs)


def main_effects(
    all_series: Iterable[RunSeries],
    metric: tuple[str, str],
    values: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, list[float]]]:
    """Return a metric of all finished runs, by each key that varies and its value as text.

    Args:
        values: the values of the keys, by the name of the spec. A key that a condition leaves out
            of a spec does not count there.
    """
    found: dict[str, dict[str, list[float]]] = {}
    order: dict[str, dict[str, None]] = {}
    for own in values.values():
        for key, value in own.items():
            order.setdefault(key, {})[_in_words(value)] = None
    for each in all_series:
        for key, value in values.get(each.name, {}).items():
            of_key = found.setdefault(key, {})
            of_key.setdefault(_in_words(value), []).extend(each.metrics().get(metric, ()))
    return {
        key: {value: found[key][value] for value in of_key if found.get(key, {}).get(value)}
        for key, of_key in order.items()
        if len(of_key) > 1
    }


def _in_words(value: Any) -> str:
    """Return a value as text; of a table, its type and then the other keys."""
    if not isinstance(value, Mapping):
        return str(value) if isinstance(value, str) else shown(value)
    others = (f"{key} = {shown(each)}" for key, each in value.items() if key != "type")
    return ", ".join([*([str(value["type"])] if "type" in value else []), *others])


def _spreads(metrics: dict[tuple[str, str], list[float]]) -> dict[str, dict[str, Any]]:
    """Return the spread of each metric as data, by data set and name."""
    found: dict[str, dict[str, Any]] = {}
    for (data, name), values in metrics.items():
        found.setdefault(data, {})[name] = spread(values).as_data()
    return found


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
