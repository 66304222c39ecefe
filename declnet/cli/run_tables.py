"""Tables of runs: filtering, sorting, and differences."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from declnet.cli.terminal import column_width, print_table, table_room
from declnet.errors import SpecError
from declnet.registry.spelling import counted, suggestion
from declnet.runs.comparison import common_directions, stored_directions
from declnet.runs.display.metrics import (
    FOR_CHOICE,
    PARTS,
    find_metric,
    format_metric,
    format_seconds,
    informative,
    order_of,
    ordered,
    sort_key,
)
from declnet.runs.storage.listing import ListedRun
from declnet.runs.stored_run import StoredRun
from declnet.spec.flatten import differing_keys, flatten
from declnet.spec.overrides import parse_override
from declnet.training.metrics import LOSSES

_BY_COLUMN: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: str(run.path),
    "status": lambda run: run.status,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.seconds if run.seconds is not None else float("inf"),
    "date": lambda run: run.started,
}


def filtered(runs: Sequence[ListedRun], conditions: Iterable[str]) -> list[ListedRun]:
    """Return the runs that match every `KEY=VALUE`; numbers compare by value, so 5e-1 equals 0.5.

    Raises:
        ValueError: a condition is not of the form KEY=VALUE, or no run has its key.
    """
    left = [(run, {"status": run.status, **flatten(run.spec)}) for run in runs]
    known = {key for _, values in left for key in values}
    for text in conditions:
        try:
            condition = parse_override(text)
        except SpecError:
            raise ValueError(f'"{text}" is not a filter; write KEY=VALUE') from None
        key = condition.key
        if runs and key not in known:
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        left = [each for each in left if _same(each[1].get(key), condition.value)]
    return [run for run, _ in left]


def in_order(
    runs: Sequence[ListedRun],
    wanted: str | None,
    *,
    ascending: bool | None = None,
    reverse: bool = False,
) -> list[ListedRun]:
    """Sort runs by a column or by a final metric; runs without the metric come last.

    Args:
        runs: the runs to sort.
        wanted: the column or metric; None for the date.
        ascending: whether the lowest value comes first; None for a metric's best.
        reverse: whether to reverse that order.

    Raises:
        ValueError: no run has such a metric, or its better direction is unknown.
    """
    if wanted is None or wanted in _BY_COLUMN:
        backwards = (ascending is False) != reverse
        return sorted(runs, key=_BY_COLUMN[wanted or "date"], reverse=backwards)
    known = _metrics_of(runs)
    metric = find_metric(wanted, known)
    if metric is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *map(".".join, known)}
        raise ValueError(f'no run has "{wanted}" ({suggestion(wanted, names, "to sort by")})')
    data, name = metric
    having = [run for run in runs if name in run.metrics.get(data, {})]
    directions = common_directions(stored_directions(run.better, run.spec) for run in having)
    first = order_of(name, directions, ascending)
    if reverse:
        first = "lower" if first == "higher" else "higher"
    return sorted(runs, key=lambda run: sort_key(run.metrics.get(data, {}).get(name), first))


def _same(found: Any, wanted: Any) -> bool:
    numbers = type(found) in (int, float) and type(wanted) in (int, float)
    return (numbers or type(found) is type(wanted)) and bool(found == wanted)


def print_runs(runs: Sequence[ListedRun], sorted_by: str | None = None) -> None:
    """Print a row for each run: status, epochs, final metrics, seconds, and start time.

    On a terminal, metrics that do not fit are left out and counted: first the losses, then the
    metrics of fewer runs, then those of training, test and validation data.

    Args:
        runs: the runs, in order.
        sorted_by: the metric they were sorted by, if any, which is kept.
    """
    metrics = [each for each in ordered(_metrics_of(runs)) if each[1] not in PARTS]
    left = {
        "name": [str(run.path) for run in runs],
        "status": [run.status for run in runs],
        "epochs": [_epochs(run) for run in runs],
    }
    right = {
        "seconds": [format_seconds(run.seconds) for run in runs],
        "date": [_date(run.started) for run in runs],
    }
    found = {
        metric: [format_metric(run.metrics.get(metric[0], {}).get(metric[1])) for run in runs]
        for metric in metrics
    }
    room = table_room([*left.items(), *right.items()])
    kept: set[tuple[str, str]] = set()
    for metric in _most_telling(runs, metrics, sorted_by):
        room -= column_width(".".join(metric), found[metric])
        if room >= 0 or not kept:
            kept.add(metric)
    shown = {".".join(metric): cells for metric, cells in found.items() if metric in kept}
    columns = left | shown | right
    print_table([*columns], zip(*columns.values(), strict=True), numeric=[*columns][2:-1])
    if len(kept) < len(metrics):
        more = counted(len(metrics) - len(kept), "more metric")
        sys.stdout.write(f"{more} on a wider terminal, in a file, or with --format json\n")


def _most_telling(
    runs: Sequence[ListedRun], metrics: Sequence[tuple[str, str]], sorted_by: str | None
) -> list[tuple[str, str]]:
    """Return metrics in the order in which they claim the space on a terminal."""
    having = Counter(_metrics_of(runs))
    first = find_metric(sorted_by, metrics) if sorted_by is not None else None

    def place(metric: tuple[str, str]) -> tuple[bool, bool, int, int]:
        data, name = metric
        rank = FOR_CHOICE.index(data) if data in FOR_CHOICE else len(FOR_CHOICE)
        return metric != first, name in LOSSES, -having[metric], rank

    return sorted(metrics, key=place)


def _metrics_of(runs: Sequence[ListedRun]) -> list[tuple[str, str]]:
    return [(data, name) for run in runs for data in run.metrics for name in run.metrics[data]]


def as_data(run: ListedRun) -> dict[str, Any]:
    """Return a run as `--format json` prints it."""
    return {
        "name": str(run.path),
        "status": run.status,
        "epochs": run.epochs,
        "metrics": run.metrics,
        "seconds": run.seconds,
        "started": run.started,
    }


def _epochs(run: ListedRun) -> str:
    """Return the number of trained epochs, with the total if training is incomplete."""
    training = run.spec.get("training")
    planned = training.get("epochs") if isinstance(training, dict) else None
    return str(run.epochs) if planned in (None, run.epochs) else f"{run.epochs} of {planned}"


def _date(started: str) -> str:
    """Return a time in local time, to the minute; anything else unchanged."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return started


_SECTIONS = ("model", "optimizer", "loss", "training", "data")
"""Sections of a spec, from most to least likely to explain a difference in results."""


def print_comparison(
    runs: Sequence[StoredRun], wanted: str | None = None, ascending: bool | None = None
) -> None:
    """Print a column per run: the keys in which the specs differ, final metrics, and seconds.

    The most informative rows come first: types before their fields, keys of all runs before keys
    of only some; validation before test and training metrics, losses last.

    Args:
        runs: the runs, in the order of the columns.
        wanted: a metric to sort the runs by instead.
        ascending: whether its lowest value comes first; None for the best.

    Raises:
        ValueError: no run has that metric, or its better direction is unknown.
    """
    known = informative([run.metrics for run in runs])
    directions = common_directions(run.better for run in runs)
    if wanted is not None:
        column = find_metric(wanted, known)
        if column is None:
            hint = suggestion(wanted, (".".join(each) for each in known), "metrics")
            raise ValueError(f'no run has the metric "{wanted}" ({hint})')
        first = order_of(column[1], directions, ascending)
        runs = sorted(runs, key=lambda run: sort_key(_value(run, column), first))
    specs = [flatten(run.spec_tables) for run in runs]
    rows = [
        ["status", *(str(run.manifest.get("status")) for run in runs)],
        *([key, *(_shown(spec.get(key)) for spec in specs)] for key in _explaining_first(specs)),
    ]
    best: set[tuple[int, int]] = set()  # cells, unless all runs are equally good
    for metric in ordered(known, FOR_CHOICE):
        values = [_value(run, metric) for run in runs]
        better = directions.get(metric[1])
        keys = [sort_key(value, better) for value in values] if better is not None else []
        if len(set(keys)) > 1:
            best |= {(len(rows), at) for at, key in enumerate(keys, 1) if key == min(keys)}
        rows.append([".".join(metric), *map(format_metric, values)])
    rows.append(["seconds", *(format_seconds(run.manifest.get("seconds")) for run in runs)])
    print_table(["", *(str(run.path) for run in runs)], rows, bold=best)


def _explaining_first(specs: list[dict[str, Any]]) -> list[str]:
    """Return the keys in which specs differ, most informative first."""

    def place(key: str) -> tuple[bool, bool, int]:
        section = key.partition(".")[0]
        rank = _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)
        is_type = key == "model.layers" or key.endswith(".type")
        return not is_type, not all(key in spec for spec in specs), rank

    return sorted(differing_keys(specs), key=place)


def _value(run: StoredRun, metric: tuple[str, str]) -> float | None:
    return run.metrics.get(metric[0], {}).get(metric[1])


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
