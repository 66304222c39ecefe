"""Which metric runs are compared by, which of its values are better, and the best run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from declnet.contracts.network.directions import LOSSES, Better, as_loss

if TYPE_CHECKING:
    from declnet.runs.storage.listing import ListedRun

Directions = Mapping[str, Better | None]
"""Which values of each metric are better; None or missing if unknown."""

MetricValues = Mapping[str, Mapping[str, float | None]]
"""Values by data set and name, as in `metrics.json`."""

FOR_CHOICE = ("validation", "test", "train")
"""Data sets to choose a model by if none is named, most meaningful first."""

TO_REPORT = ("test", "validation", "train")
"""Data sets to report a finished model on, the one it has seen least first."""

PARTS = ("data_loss", "regularization_loss")
"""Parts of the loss, redundant for a model without regularization."""

DATA_SETS = ("train", "validation", "test")


def informative(all_values: Iterable[MetricValues]) -> list[tuple[str, str]]:
    """Return the metrics of several runs; the loss's parts only if a model is regularized."""
    metrics: dict[tuple[str, str], None] = {}
    regularized = False
    for by_data in all_values:
        for data, values in by_data.items():
            metrics |= dict.fromkeys((data, name) for name in values)
            regularized |= bool(values.get("regularization_loss"))
    return [metric for metric in metrics if regularized or metric[1] not in PARTS]


def find_metric(text: str, known: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the metric for `test.accuracy`, or for `accuracy` in the first of `FOR_CHOICE`."""
    metrics = set(known)
    data, _, name = text.partition(".")
    if (data, name) in metrics:
        return data, name
    return next(((data, text) for data in FOR_CHOICE if (data, text) in metrics), None)


def main_metric(
    known: Iterable[tuple[str, str]],
    directions: Directions,
    data_sets: Sequence[str] = FOR_CHOICE,
) -> tuple[str, str] | None:
    """Return the metric that a task is judged by, on the first data set that has any.

    That is the first one of `training.metrics` that declares which values are better, else the
    loss.
    """
    metrics = by_importance(known, directions, data_sets)
    present = [data for data in data_sets if any(in_data == data for in_data, _ in metrics)]
    return next((metric for metric in metrics if metric[0] in present[:1]), None)


def by_importance(
    known: Iterable[tuple[str, str]],
    directions: Directions | None = None,
    data_sets: Sequence[str] = FOR_CHOICE,
) -> list[tuple[str, str]]:
    """Return metrics, the one that the task is judged by first, each on all of its data sets.

    They are in the order of `training.metrics`, then the losses, then metrics without a direction.

    Args:
        known: the metrics by data set and name, in the order of their specs.
        directions: which values are better; None to treat all metrics as if that were known.
        data_sets: the data sets, most meaningful first.
    """
    metrics = list(dict.fromkeys(known))
    names = list(dict.fromkeys(name for _, name in metrics))

    def place(metric: tuple[str, str]) -> tuple[int, int, int]:
        data, name = metric
        directed = directions is None or directions.get(name) is not None
        kind = 1 + LOSSES.index(name) if name in LOSSES else 0 if directed else 1 + len(LOSSES)
        of_data = data_sets.index(data) if data in data_sets else len(data_sets)
        return kind, names.index(name), of_data

    return sorted(metrics, key=place)


def sort_key(value: float | None, first: Better, *, reverse: bool = False) -> float:
    """Return a sort key for a metric's values.

    Args:
        value: the value; None and NaN come last.
        first: which values come first, as in `Metric.better`.
        reverse: whether these come last instead.
    """
    if value is None or math.isnan(value):
        return math.inf
    return -as_loss(value, first) if reverse else as_loss(value, first)


def order_of(name: str, directions: Directions, ascending: bool | None) -> Better:
    """Return which values come first; the better ones if `ascending` is None.

    Raises:
        ValueError: the best values were requested, but which are better is unknown.
    """
    if ascending is not None:
        return "lower" if ascending else "higher"
    better = directions.get(name)
    if better is None:
        raise ValueError(
            f'nothing says which values of "{name}" are better; add --ascending or --descending'
        )
    return better


def directions_of(runs: Iterable[ListedRun]) -> Directions:
    """Return the better directions of the metrics of runs; None where they disagree."""
    distinct = {repr(run.better): run.better for run in runs}  # most runs have the same ones
    return common_directions(map(stored_directions, distinct.values()))


def stored_directions(recorded: Directions) -> dict[str, Better | None]:
    """Return the better direction of each metric of a run, where known.

    Args:
        recorded: `better` from the run's manifest.
    """
    known = {name: better for name, better in recorded.items() if _is_known(better)}
    return {**dict.fromkeys(LOSSES, "lower"), **known}


def _is_known(better: object) -> bool:
    return better in ("higher", "lower") or isinstance(better, int | float)


def common_directions(all_directions: Iterable[Directions]) -> dict[str, Better | None]:
    """Return the directions of several runs; None for metrics on which they disagree."""
    distinct: dict[str, set[Better]] = {}
    for directions in all_directions:
        for name, better in directions.items():
            distinct.setdefault(name, set()).update([better] if better is not None else [])
    return {name: both.pop() if len(both) == 1 else None for name, both in distinct.items()}


def best_run(directory: Path) -> tuple[Path, str] | None:
    """Return the folder of the best run in a folder, and the metric; None without one.

    Raises:
        OutputError: the folder cannot be read.
    """
    from declnet.runs.storage.listing import ListedRun, list_runs

    best, metric = best_of([run for run in list_runs(directory) if isinstance(run, ListedRun)])
    return (directory / best.path, metric) if best is not None else None


def best_of(runs: Sequence[ListedRun]) -> tuple[ListedRun | None, str]:
    """Return the finished run with the best main metric, None without one, and that metric."""
    directions = directions_of(runs)
    metric = main_metric(informative(run.metrics for run in runs), directions)
    better = directions.get(metric[1]) if metric is not None else None
    finished = [run for run in runs if run.status == "finished"]
    if metric is None or better is None or not finished:
        return None, ""
    data, name = metric
    best = min(finished, key=lambda run: sort_key(run.metrics.get(data, {}).get(name), better))
    return best, f"{data}.{name}"
