"""The tables of several runs: a list of them, and what differs between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from declnet.display.tables import Cell, Kind, ResultTable, format_spread, kinds_of
from declnet.runs.display.metric_labels import ordered
from declnet.runs.listed_groups import ListedGroup
from declnet.runs.ranking import (
    FOR_CHOICE,
    PARTS,
    by_importance,
    directions_of,
    informative,
    main_metric,
    sort_key,
    stored_directions,
)
from declnet.runs.storage.listing import ListedRun
from declnet.spec.flatten import differing_keys


def runs_table(runs: Sequence[ListedRun], sorted_by: tuple[str, str] | None = None) -> ResultTable:
    """Return a row for each run or group: status, epochs, final metrics, seconds, and start time.

    The metrics that tasks are judged by come first; a group's have their standard deviation.

    Args:
        runs: the runs, in order; groups of runs as one entry each.
        sorted_by: the metric they were sorted by, which comes first.
    """
    judged = Counter(
        metric
        for run in runs
        if (metric := main_metric(informative([run.metrics]), stored_directions(run.better)))
    )
    most_frequent = [metric for metric, _ in judged.most_common()]
    first = dict.fromkeys([*([sorted_by] if sorted_by else []), *most_frequent])
    others = by_importance(metrics_of(runs), directions_of(runs))
    metrics = [*first, *(other for other in others if other not in first and other[1] not in PARTS)]
    groups = any(isinstance(run, ListedGroup) for run in runs)
    rows = tuple(
        (
            str(run.path),
            *([run.description if isinstance(run, ListedGroup) else ""] if groups else []),
            run.status,
            _epochs(run),
            *(_metric_cell(run, metric, spread=metric in first) for metric in metrics),
            run.seconds,
            _date(run.started),
        )
        for run in runs
    )
    names = tuple(map(".".join, metrics))
    kinds: dict[str, Kind] = {**kinds_of(names), "epochs": "integer", "seconds": "seconds"}
    columns = ("name", *(["runs"] if groups else []), "status", "epochs", *names, "seconds", "date")
    optional = (*names[1 : len(first)], "epochs", "date", "seconds", *names[len(first) :])
    return ResultTable("", columns, rows, kinds=kinds, optional=optional)


def _metric_cell(run: ListedRun, metric: tuple[str, str], *, spread: bool) -> Cell:
    """Return the metric of a run; of a group with its standard deviation, if wanted."""
    value = metric_of(run, metric)
    if not spread or not isinstance(run, ListedGroup):
        return value
    return format_spread(value, run.deviations.get(metric[0], {}).get(metric[1]))


def metrics_of(runs: Iterable[ListedRun]) -> list[tuple[str, str]]:
    """Return the metrics of all runs, as often as there are runs with them."""
    return [(data, name) for run in runs for data in run.metrics for name in run.metrics[data]]


def metric_of(run: ListedRun, metric: tuple[str, str]) -> float | None:
    """Return a metric of a run; None if it does not have it."""
    value = run.metrics.get(metric[0], {}).get(metric[1])
    return None if value is None else float(value)


def _epochs(run: ListedRun) -> str:
    """Return the number of trained epochs, with the total if training is incomplete."""
    if isinstance(run, ListedGroup):
        fewest, most = min(one.epochs for one in run.runs), run.epochs
        return str(most) if fewest == most else f"{fewest} to {most}"
    planned = run.values.get("training.epochs")
    return str(run.epochs) if planned in (None, run.epochs) else f"{run.epochs} of {planned}"


def _date(started: str) -> str:
    """Return a time in local time, to the minute; anything else unchanged."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return started


def comparison_table(runs: Sequence[ListedRun], most: int | None = None) -> ResultTable:
    """Return a row per run: the keys in which specs differ, final metrics, and seconds.

    The most informative columns come first: types before their fields, keys of all runs before keys
    of only some; validation before test and training metrics, losses last. The best values of each
    metric are marked, unless all are equally good.

    Args:
        runs: the runs, in order.
        most: the number of runs that have a row, the first ones.
    """
    keys = explaining_keys(runs)
    metrics = ordered(informative(run.metrics for run in runs), FOR_CHOICE)
    directions, shown = directions_of(runs), runs[:most]
    names = tuple(map(".".join, metrics))
    rows = tuple(
        (
            str(run.path),
            run.status,
            *(_setting(run.values.get(key)) for key in keys),
            *(metric_of(run, metric) for metric in metrics),
            run.seconds,
        )
        for run in shown
    )
    marks = []
    for at, metric in enumerate(metrics, start=2 + len(keys)):
        better = directions.get(metric[1])
        if better is None:
            continue
        places = [sort_key(metric_of(run, metric), better) for run in shown]
        if len(set(places)) > 1:
            best = min(places)
            marks += [(row, at, 1.0) for row, place in enumerate(places) if place == best]
    kinds: dict[str, Kind] = {**kinds_of(keys, "setting"), **kinds_of(names), "seconds": "seconds"}
    columns = ("", "status", *keys, *names, "seconds")
    main = main_metric(metrics, directions)
    less = [".".join(metric) for metric in by_importance(metrics, directions) if metric != main]
    optional = (*keys, *less, "seconds", "status")
    marked = tuple(marks)
    return ResultTable("", columns, rows, kinds=kinds, marks=marked, optional=optional)


_SECTIONS = ("model", "optimizer", "loss", "training", "data")
"""Sections of a spec, from most to least likely to explain a difference in results."""


def explaining_keys(runs: Sequence[ListedRun]) -> list[str]:
    """Return the keys in which the specs of runs differ, most informative first."""
    specs: list[Mapping[str, Any]] = [run.values for run in runs]

    def place(key: str) -> tuple[bool, bool, int]:
        section = key.partition(".")[0]
        rank = _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)
        is_type = key == "model.layers" or key.endswith(".type")
        return not is_type, not all(key in spec for spec in specs), rank

    return sorted(differing_keys(specs), key=place)


def _setting(value: Any) -> Cell:
    """Return a value of a spec as a cell."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
