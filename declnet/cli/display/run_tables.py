"""Tables of runs: filtering, sorting, and differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from declnet.cli.display.streams import print_line
from declnet.cli.display.terminal import column_width, print_table, table_room
from declnet.contracts.network.metric_names import LOSSES
from declnet.errors import SpecError
from declnet.registry.spelling import counted, suggestion
from declnet.runs.comparison import Directions, common_directions, stored_directions
from declnet.runs.display.metrics import (
    FOR_CHOICE,
    PARTS,
    find_metric,
    format_metric,
    format_seconds,
    informative,
    main_metric,
    order_of,
    ordered,
    sort_key,
)
from declnet.runs.storage.listing import ListedRun
from declnet.spec.document.overrides import parse_override
from declnet.spec.flatten import differing_keys

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
        known = {"status", *(each for run in runs for each in run.values)}
        if runs and key not in known:
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        left = [each for each in left if _same(_value_of(each, key), condition.value)]
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
    known = _metrics_of(runs)
    metric = find_metric(wanted, known)
    if metric is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *map(".".join, known)}
        raise ValueError(f'no run has "{wanted}" ({suggestion(wanted, names, "to sort by")})')
    data, name = metric
    having = [run for run in runs if name in run.metrics.get(data, {})]
    directions = _directions(having)
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
        print_line(f"{more} on a wider terminal, in a file, or with --format json")


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
    planned = run.values.get("training.epochs")
    return str(run.epochs) if planned in (None, run.epochs) else f"{run.epochs} of {planned}"


def _date(started: str) -> str:
    """Return a time in local time, to the minute; anything else unchanged."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return started


_SECTIONS = ("model", "optimizer", "loss", "training", "data")
"""Sections of a spec, from most to least likely to explain a difference in results."""


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

    The most informative come first: types before their fields, keys of all runs before keys of only
    some; validation before test and training metrics, losses last. Up to eight runs have a column
    each. More have a row each, and of more than 20, the best 20 are shown.

    Args:
        runs: the runs, in order.
        wanted: a metric to sort the runs by instead.
        ascending: whether its lowest value comes first; None for the best.
        all_runs: whether to show all.

    Raises:
        ValueError: no run has that metric, or its better direction is unknown.
    """
    known = informative(run.metrics for run in runs)
    directions = _directions(runs)
    runs, sorted_by = _chosen(runs, known, directions, wanted, ascending)
    keys = _explaining_first([run.values for run in runs])
    shown = runs if all_runs else runs[:MOST_SHOWN]
    columns = {"status": [run.status for run in shown]}
    columns |= {key: [_shown(run.values.get(key)) for run in shown] for key in keys}
    best: set[tuple[int, str]] = set()  # among the shown, unless all of them are equally good
    for metric in ordered(known, FOR_CHOICE):
        better = directions.get(metric[1])
        places = [sort_key(_value(run, metric), better) for run in shown] if better else []
        if len(set(places)) > 1:
            first, name = min(places), ".".join(metric)
            best |= {(at, name) for at, place in enumerate(places) if place == first}
        columns[".".join(metric)] = [format_metric(_value(run, metric)) for run in shown]
    columns["seconds"] = [format_seconds(run.seconds) for run in shown]
    names = [str(run.path) for run in shown]
    if len(runs) <= ACROSS:
        across = ([key, *cells] for key, cells in columns.items())
        row_of = {name: row for row, name in enumerate(columns)}
        print_table(["", *names], across, bold={(row_of[name], at + 1) for at, name in best})
        return
    numeric = [*map(".".join, known), "seconds"]
    kept = _fitting({"": names, **columns}, ["", "status", sorted_by or "", "seconds"])
    bold = {(row, kept.index(name)) for row, name in best if name in kept}
    rows = zip(names, *(columns[name] for name in kept[1:]), strict=True)
    print_table(kept, rows, numeric=[name for name in numeric if name in kept], bold=bold)
    if len(kept) <= len(columns):
        more = counted(len(columns) + 1 - len(kept), "more column")
        print_line(f"{more} on a wider terminal, in a file, or with --format json")
    if len(shown) < len(runs):
        order = f"the best by {sorted_by}" if sorted_by else "the first"
        more = counted(len(runs) - len(shown), "more run")
        print_line(f"{order} of {len(runs)}; {more} with --all or --format json")


def _fitting(columns: Mapping[str, Sequence[str]], first: Collection[str]) -> list[str]:
    """Return the names of the columns that fit a terminal, in order; some come first."""
    room, kept = table_room([]), set()
    for name in [*(each for each in first if each in columns), *columns]:
        width = column_width(name, columns[name]) if name not in kept else 0
        if width <= room or name in first:
            kept.add(name)
            room -= width
    return [name for name in columns if name in kept]


def _chosen(
    runs: Sequence[ListedRun],
    known: Sequence[tuple[str, str]],
    directions: Directions,
    wanted: str | None,
    ascending: bool | None,
) -> tuple[Sequence[ListedRun], str | None]:
    """Return runs in the wanted order, and the metric they are sorted by, if any.

    Of more runs than are shown by default, the best come first.
    """
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
    return sorted(runs, key=lambda run: sort_key(_value(run, chosen), first)), ".".join(chosen)


def comparison_data(
    runs: Sequence[ListedRun], wanted: str | None, ascending: bool | None
) -> list[dict[str, Any]]:
    """Return runs as `declnet compare --format json` prints them: with the values that differ.

    Raises:
        ValueError: as `print_comparison` does.
    """
    known = informative(run.metrics for run in runs)
    runs, _ = _chosen(runs, known, _directions(runs), wanted, ascending)
    keys = _explaining_first([run.values for run in runs])
    return [
        as_data(run) | {"values": {key: run.values[key] for key in keys if key in run.values}}
        for run in runs
    ]


def _directions(runs: Iterable[ListedRun]) -> Directions:
    """Return the better directions of the metrics of runs; None where they disagree."""
    distinct = {repr(run.better): run.better for run in runs}  # mostly the same ones
    return common_directions(map(stored_directions, distinct.values()))


def _explaining_first(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys in which specs differ, most informative first."""

    def place(key: str) -> tuple[bool, bool, int]:
        section = key.partition(".")[0]
        rank = _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)
        is_type = key == "model.layers" or key.endswith(".type")
        return not is_type, not all(key in spec for spec in specs), rank

    return sorted(differing_keys(specs), key=place)


def _value(run: ListedRun, metric: tuple[str, str]) -> float | None:
    return run.metrics.get(metric[0], {}).get(metric[1])


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
