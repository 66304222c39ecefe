"""The tables of several runs: a list of them, and what differs between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from declnet.display.tables import Cell, Kind, ResultTable, kinds_of
from declnet.runs.display.metric_labels import ordered
from declnet.runs.ranking import FOR_CHOICE, PARTS, directions_of, informative, sort_key
from declnet.runs.storage.listing import ListedRun
from declnet.spec.flatten import differing_keys


def runs_table(runs: Sequence[ListedRun]) -> ResultTable:
    """Return a row for each run: status, epochs, final metrics, seconds, and start time."""
    metrics = [metric for metric in ordered(metrics_of(runs)) if metric[1] not in PARTS]
    rows = tuple(
        (
            str(run.path),
            run.status,
            _epochs(run),
            *(metric_of(run, metric) for metric in metrics),
            run.seconds,
            _date(run.started),
        )
        for run in runs
    )
    names = tuple(map(".".join, metrics))
    kinds: dict[str, Kind] = {**kinds_of(names), "epochs": "integer", "seconds": "seconds"}
    columns = ("name", "status", "epochs", *names, "seconds", "date")
    return ResultTable("", columns, rows, kinds=kinds)


def metrics_of(runs: Iterable[ListedRun]) -> list[tuple[str, str]]:
    """Return the metrics of all runs, as often as there are runs with them."""
    return [(data, name) for run in runs for data in run.metrics for name in run.metrics[data]]


def metric_of(run: ListedRun, metric: tuple[str, str]) -> float | None:
    """Return a metric of a run; None if it does not have it."""
    value = run.metrics.get(metric[0], {}).get(metric[1])
    return None if value is None else float(value)


def _epochs(run: ListedRun) -> str:
    """Return the number of trained epochs, with the total if training is incomplete."""
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
    return ResultTable("", columns, rows, kinds=kinds, marks=tuple(marks))


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
