"""The output of a sweep: the spread of each metric, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from declnet.cli.display.terminal import print_table, table_room
from declnet.runs.display.metrics import (
    PARTS,
    format_metric,
    format_seconds,
    ordered,
)
from declnet.runs.many.ranking import main_effects
from declnet.runs.many.series import RunSeries, spread


@dataclass(frozen=True)
class Ranking:
    """The best specs of a sweep so far.

    Attributes:
        metric: what they are compared by.
        rows: name, finished runs, and mean, the best first.
    """

    metric: str
    rows: list[tuple[str, str, str]]


MOST_RANKED = 5
"""Number of specs that a terminal shows while a sweep is trained."""


def ranking(all_series: Sequence[RunSeries], metric: tuple[str, str] | None) -> Ranking | None:
    """Return the ranking of sorted series; None if no run has finished."""
    if metric is None:
        return None
    rows = []
    for each in all_series[:MOST_RANKED]:
        values = each.metrics().get(metric)
        mean = format_metric(spread(values).mean if values else None)
        rows.append((each.name, str(len(each.finished)), mean))
    return Ranking(".".join(metric), rows)


_STATISTICS = ("mean", "standard deviation", "min", "max")
"""Column headings for the values of a `Spread`, in order."""


def print_series(series: RunSeries) -> None:
    """Print the metrics of each seed and fold, then their mean, deviation and range.

    A terminal too narrow for that gets a row for each metric, without the single runs.
    """
    all_values = series.metrics()
    metrics = [each for each in ordered(all_values) if each[1] not in PARTS]
    labels = _labels(series)
    if len(series.finished) < len(series.outcomes):
        labels["status"] = [each.status for each in series.outcomes]
    numeric = [*map(".".join, metrics), "seconds"]
    rows = [
        [
            *label,
            *(format_metric(run.metrics.get(data, {}).get(name)) for data, name in metrics),
            format_seconds(run.seconds),
        ]
        for run, *label in zip(series.outcomes, *labels.values(), strict=True)
    ]
    footer = []
    if series.finished:
        more = [""] * (len(labels) - 1)
        columns = [*(all_values[each] for each in metrics), series.seconds()]
        spreads = [vars(spread(values)).values() for values in columns]
        for title, *values, seconds in zip(_STATISTICS, *spreads, strict=True):
            numbers = [*map(format_metric, values), format_seconds(seconds)]
            footer.append([title, *more, *numbers])
    heads = [*labels, *numeric]
    if footer and table_room(zip(heads, zip(*rows, *footer, strict=True), strict=True)) < 0:
        cells = zip(*(row[len(labels) :] for row in footer), strict=True)
        turned = [(name, *values) for name, values in zip(numeric, cells, strict=True)]
        print_table(("", *_STATISTICS), turned, numeric=_STATISTICS)
        return
    print_table(heads, rows, numeric=numeric, footer=footer)


def _labels(series: RunSeries) -> dict[str, list[str]]:
    """Return the columns that identify runs: seeds, if several, and folds, if any."""
    seeds = [str(each.seed) for each in series.outcomes]
    folds = [str(each.fold or "") for each in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}


def print_sweep(all_series: Sequence[RunSeries], metric: tuple[str, str]) -> None:
    """Print a row per spec: the distribution of a metric over its runs, and seconds per run."""
    columns = ("spec", "runs", *_STATISTICS, "seconds a run")
    rows = []
    for series in all_series:
        values, seconds = series.metrics().get(metric), series.seconds()
        done, all_runs = len(series.finished), len(series.outcomes)
        shown = vars(spread(values)).values() if values else [None] * len(_STATISTICS)
        rows.append(
            (
                series.name,
                str(done) if done == all_runs else f"{done} of {all_runs}",
                *map(format_metric, shown),
                format_seconds(spread(seconds).mean if seconds else None),
            )
        )
    print_table(columns, rows, ".".join(metric), numeric=columns[1:])


def print_effects(
    all_series: Sequence[RunSeries],
    metric: tuple[str, str],
    values: Mapping[str, Mapping[str, Any]],
) -> None:
    """Print, for each key that varies, the mean of a metric over all runs with each value.

    Args:
        values: the values of the keys, by the name of the spec; nothing is printed if only one
            key varies.
    """
    effects = main_effects(all_series, metric, values)
    if len(effects) < 2:
        return
    columns = ("key", "value", "runs", *_STATISTICS)
    rows = []
    for key, by_value in effects.items():
        for number, (value, found) in enumerate(by_value.items()):
            shown = map(format_metric, vars(spread(found)).values())
            rows.append(("" if number else key, value, str(len(found)), *shown))
    print_table(columns, rows, f"{'.'.join(metric)} by value", numeric=columns[2:])


def print_gaps(all_series: Sequence[RunSeries]) -> None:
    """Print a table per metric: on the training data, on held-out data, and the gap between them.

    Held-out data is the test data, or else the validation data. Without any, nothing is printed.
    """
    known = ordered(metric for each in all_series for metric in each.gaps())
    held_out = [each for each in ("test", "validation") if any(of == each for of, _ in known)]
    for data, name in known:
        if data not in held_out[:1] or name in PARTS:
            continue
        rows = []
        for each in all_series:
            metrics, gaps = each.metrics(), each.gaps()
            row = [each.name]
            for values in (
                metrics.get(("train", name)),
                metrics.get((data, name)),
                gaps.get((data, name)),
            ):
                shown = vars(spread(values)) if values else {}
                row += [format_metric(shown.get(key)) for key in ("mean", "standard_deviation")]
            rows.append(row)
        columns = ("spec", "train", "±", data, "±", "gap", "±")
        print_table(columns, rows, f"{name}, mean ± standard deviation", numeric=columns[1:])
