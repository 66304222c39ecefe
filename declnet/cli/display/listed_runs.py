"""Lists and comparisons of runs: filtering, sorting, and what a terminal shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from declnet.cli.display.streams import print_line
from declnet.cli.display.terminal import fits, print_table
from declnet.contracts.network.directions import Better
from declnet.display.words import counted
from declnet.errors import SpecError
from declnet.registry.spelling import suggestion
from declnet.runs.display.run_tables import (
    comparison_table,
    explaining_keys,
    metric_of,
    metrics_of,
    runs_table,
)
from declnet.runs.listed_groups import ListedGroup
from declnet.runs.ranking import (
    directions_of,
    find_metric,
    informative,
    main_metric,
    order_of,
    sort_key,
)
from declnet.runs.storage.listing import ListedRun
from declnet.spec.document.overrides import parse_override

_BY_COLUMN: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: str(run.path),
    "status": lambda run: run.status,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.seconds if run.seconds is not None else float("inf"),
    "date": lambda run: run.started,
}


MOST_ROWS = 200
"""Maximum number of runs that a terminal shows by default."""


def filtered(runs: Sequence[ListedRun], conditions: Iterable[str]) -> list[ListedRun]:
    """Return the runs that match every `KEY=VALUE`; numbers compare by value, so 5e-1 equals 0.5.

    Raises:
        ValueError: a condition is not of the form KEY=VALUE, or no run has its key.
    """
    matching = list(runs)
    for text in conditions:
        try:
            condition = parse_override(text)
        except SpecError:
            raise ValueError(f'"{text}" is not a filter; write KEY=VALUE') from None
        key = condition.key
        known = {"status", *(value for run in runs for value in run.values)}
        if runs and key not in known:
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        matching = [run for run in matching if _same(_value_of(run, key), condition.value)]
    return matching


def _value_of(run: ListedRun, key: str) -> Any:
    return run.values.get(key, run.status if key == "status" else None)


def _same(value: Any, other: Any) -> bool:
    numbers = type(value) in (int, float) and type(other) in (int, float)
    return (numbers or type(value) is type(other)) and bool(value == other)


def in_order(
    runs: Sequence[ListedRun],
    sort_by: str | None,
    *,
    ascending: bool | None = None,
    reverse: bool = False,
) -> list[ListedRun]:
    """Sort runs by a column or by a final metric; runs without the metric come last.

    Args:
        runs: the runs to sort.
        sort_by: the column or metric; None for the date.
        ascending: whether the lowest value comes first; None for a metric's best.
        reverse: whether to reverse that order.

    Raises:
        ValueError: no run has such a metric, or its better direction is unknown.
    """
    if sort_by is None or sort_by in _BY_COLUMN:
        backwards = (ascending is False) != reverse
        return sorted(runs, key=_BY_COLUMN[sort_by or "date"], reverse=backwards)
    known = metrics_of(runs)
    metric = find_metric(sort_by, known)
    if metric is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *map(".".join, known)}
        raise ValueError(f'no run has "{sort_by}" ({suggestion(sort_by, names, "to sort by")})')
    data, name = metric
    having = [run for run in runs if name in run.metrics.get(data, {})]
    first = order_of(name, directions_of(having), ascending)
    return _by_metric(runs, metric, first, reverse)


def _by_metric(
    runs: Sequence[ListedRun], metric: tuple[str, str], first: Better, reverse: bool = False
) -> list[ListedRun]:
    return sorted(runs, key=lambda run: sort_key(metric_of(run, metric), first, reverse=reverse))


def print_runs(runs: Sequence[ListedRun], sorted_by: str | None = None) -> None:
    """Print a row for each run or group.

    Args:
        runs: the runs, in order.
        sorted_by: the column or metric they were sorted by, if any, which is shown in any case.
    """
    first = find_metric(sorted_by, metrics_of(runs)) if sorted_by is not None else None
    table, note = runs_table(runs, first), ""
    if any(isinstance(run, ListedGroup) for run in runs):
        note = "mean ± standard deviation, or the best of several specs; every run: --all"
    optional = tuple(name for name in table.optional if name != sorted_by)
    print_table(replace(table, optional=optional, note=note))


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


ACROSS = 8
"""Maximum number of runs shown in columns; more are shown in rows."""

MOST_SHOWN = 20
"""Maximum number of runs that a comparison shows by default."""


def print_comparison(
    runs: Sequence[ListedRun],
    sort_by: str | None = None,
    ascending: bool | None = None,
    *,
    all_runs: bool = False,
) -> None:
    """Print the keys in which the specs differ, final metrics, and seconds.

    Up to eight runs have a column each, if the output is wide enough. Others have a row each, and
    of more than 20, the best 20 are shown.

    Args:
        runs: the runs, in order.
        sort_by: a metric to sort the runs by instead.
        ascending: whether its lowest value comes first; None for the best.
        all_runs: whether to show all.

    Raises:
        ValueError: no run has that metric, or its better direction is unknown.
    """
    runs, sorted_by = _chosen(runs, sort_by, ascending)
    table = comparison_table(runs, None if all_runs else MOST_SHOWN)
    if len(runs) <= ACROSS and fits(table.turned()):
        print_table(table.turned())
        return
    optional = tuple(name for name in table.optional if name != sorted_by)
    print_table(replace(table, optional=optional))
    if len(table.rows) < len(runs):
        order = f"the best by {sorted_by}" if sorted_by else "the first"
        more = counted(len(runs) - len(table.rows), "more run")
        print_line(f"{order} of {len(runs)}; {more} with --all or --format json")


def _chosen(
    runs: Sequence[ListedRun], sort_by: str | None, ascending: bool | None
) -> tuple[Sequence[ListedRun], str | None]:
    """Return runs in order, and the metric that they are sorted by, if any.

    Of more runs than are shown by default, the best come first.
    """
    known, directions = informative(run.metrics for run in runs), directions_of(runs)
    if sort_by is not None:
        metric = find_metric(sort_by, known)
        if metric is None:
            hint = suggestion(sort_by, map(".".join, known), "metrics")
            raise ValueError(f'no run has the metric "{sort_by}" ({hint})')
        first: Better | None = order_of(metric[1], directions, ascending)
    else:
        metric = main_metric(known, directions) if len(runs) > MOST_SHOWN else None
        first = directions.get(metric[1]) if metric is not None else None
    if metric is None or first is None:
        return runs, None
    return _by_metric(runs, metric, first), ".".join(metric)


def comparison_data(
    runs: Sequence[ListedRun], sort_by: str | None, ascending: bool | None
) -> list[dict[str, Any]]:
    """Return runs as `declnet compare --format json` prints them: with the values that differ.

    Raises:
        ValueError: as `print_comparison` does.
    """
    runs, _ = _chosen(runs, sort_by, ascending)
    keys = explaining_keys(runs)
    return [
        as_data(run) | {"values": {key: run.values[key] for key in keys if key in run.values}}
        for run in runs
    ]
