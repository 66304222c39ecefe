"""Lists and comparisons of runs: filtering, sorting, and what a terminal shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from declnet.cli.display.streams import print_line
from declnet.cli.display.terminal import print_table
from declnet.contracts.network.metric_names import LOSSES
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
from declnet.runs.ranking import (
    FOR_CHOICE,
    PARTS,
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
"""Maximum number of runs that a terminal shows unless all are wanted."""


def filtered(runs: Sequence[ListedRun], conditions: Iterable[str]) -> list[ListedRun]:
    """Return the runs that match every `KEY=VALUE`; numbers compare by value, so 5e-1 equals 0.5.

    Raises:
        ValueError: a condition is not of the form KEY=VALUE, or no run has its key.
    """
    left = list(runs)
    for text in conditions:
        try:
            condition = parse_override(text)
        except SpecError:
            raise ValueError(f'"{text}" is not a filter; write KEY=VALUE') from None
        key = condition.key
        known = {"status", *(value for run in runs for value in run.values)}
        if runs and key not in known:
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        left = [run for run in left if _same(_value_of(run, key), condition.value)]
    return left


def _value_of(run: ListedRun, key: str) -> Any:
    return run.values.get(key, run.status if key == "status" else None)


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
    known = metrics_of(runs)
    metric = find_metric(wanted, known)
    if metric is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *map(".".join, known)}
        raise ValueError(f'no run has "{wanted}" ({suggestion(wanted, names, "to sort by")})')
    data, name = metric
    having = [run for run in runs if name in run.metrics.get(data, {})]
    directions = directions_of(having)
    first = order_of(name, directions, ascending)
    if reverse:
        first = "lower" if first == "higher" else "higher"
    return sorted(runs, key=lambda run: sort_key(run.metrics.get(data, {}).get(name), first))


def _same(found: Any, wanted: Any) -> bool:
    numbers = type(found) in (int, float) and type(wanted) in (int, float)
    return (numbers or type(found) is type(wanted)) and bool(found == wanted)


def print_runs(runs: Sequence[ListedRun], sorted_by: str | None = None) -> None:
    """Print a row for each run.

    On a terminal, metrics that do not fit are left out and counted: first the losses, then the
    metrics of fewer runs, then those of training, test and validation data.

    Args:
        runs: the runs, in order.
        sorted_by: the metric they were sorted by, if any, which is shown in any case.
    """
    table = runs_table(runs)
    having = Counter(metrics_of(runs))
    first = find_metric(sorted_by, having) if sorted_by is not None else None

    def place(metric: tuple[str, str]) -> tuple[bool, bool, int, int]:
        data, name = metric
        rank = FOR_CHOICE.index(data) if data in FOR_CHOICE else len(FOR_CHOICE)
        return metric != first, name in LOSSES, -having[metric], rank

    metrics = [metric for metric in sorted(having, key=place) if metric[1] not in PARTS]
    names = list(map(".".join, metrics))
    always = ["name", "status", "epochs", *names[:1], "seconds", "date"]
    print_table(table, first=always, rest=names)


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
"""Maximum number of runs that a comparison shows unless all are wanted."""


def print_comparison(
    runs: Sequence[ListedRun],
    wanted: str | None = None,
    ascending: bool | None = None,
    *,
    all_runs: bool = False,
) -> None:
    """Print the keys in which the specs differ, final metrics, and seconds.

    Up to eight runs have a column each. More have a row each, and of more than 20, the best 20 are
    shown.

    Args:
        runs: the runs, in order.
        wanted: a metric to sort the runs by instead.
        ascending: whether its lowest value comes first; None for the best.
        all_runs: whether to show all.

    Raises:
        ValueError: no run has that metric, or its better direction is unknown.
    """
    runs, sorted_by = _chosen(runs, wanted, ascending)
    table = comparison_table(runs, None if all_runs else MOST_SHOWN)
    if len(runs) <= ACROSS:
        print_table(table.turned())
        return
    print_table(table, first=["", "status", sorted_by or "", "seconds"])
    if len(table.rows) < len(runs):
        order = f"the best by {sorted_by}" if sorted_by else "the first"
        more = counted(len(runs) - len(table.rows), "more run")
        print_line(f"{order} of {len(runs)}; {more} with --all or --format json")


def _chosen(
    runs: Sequence[ListedRun], wanted: str | None, ascending: bool | None
) -> tuple[Sequence[ListedRun], str | None]:
    """Return runs in the wanted order, and the metric they are sorted by, if any.

    Of more runs than are shown by default, the best come first.
    """
    known, directions = informative(run.metrics for run in runs), directions_of(runs)
    column = find_metric(wanted, known) if wanted is not None else None
    if wanted is not None and column is None:
        hint = suggestion(wanted, map(".".join, known), "metrics")
        raise ValueError(f'no run has the metric "{wanted}" ({hint})')
    if column is not None:
        first = order_of(column[1], directions, ascending)
    else:
        column = main_metric(known, directions) if len(runs) > MOST_SHOWN else None
        better = directions.get(column[1]) if column is not None else None
        if column is None or better is None:
            return runs, None
        first = better
    chosen = column
    return sorted(runs, key=lambda run: sort_key(metric_of(run, chosen), first)), ".".join(chosen)


def comparison_data(
    runs: Sequence[ListedRun], wanted: str | None, ascending: bool | None
) -> list[dict[str, Any]]:
    """Return runs as `declnet compare --format json` prints them: with the values that differ.

    Raises:
        ValueError: as `print_comparison` does.
    """
    runs, _ = _chosen(runs, wanted, ascending)
    keys = explaining_keys(runs)
    return [
        as_data(run) | {"values": {key: run.values[key] for key in keys if key in run.values}}
        for run in runs
    ]
