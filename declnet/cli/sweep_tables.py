"""The output of a sweep: the spread of each metric, best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from declnet.cli.metrics import (
    DATA_SETS,
    PARTS,
    common_directions,
    find_metric,
    format_metric,
    format_seconds,
    main_metric,
    order_of,
    ordered,
    sort_key,
)
from declnet.cli.terminal import print_table
from declnet.contracts.metric import Better
from declnet.registry.spelling import suggestion
from declnet.runs.sweep import Series, Spread, spread
from declnet.spec.model import RunSpec
from declnet.training.metrics import LOSSES, directions


def check_metric(wanted: str | None, specs: Sequence[RunSpec], ascending: bool | None) -> None:
    """Reject, before training, a metric that no run will have or that cannot be sorted by.

    Raises:
        ValueError: no spec has such a metric, or its better direction is unknown.
    """
    if wanted is None:
        return
    known, (data, _, name) = _directions(specs), wanted.partition(".")
    if wanted not in known and not (data in DATA_SETS and name in known):
        hint = suggestion(
            name or wanted, [*(each for each in known if each not in LOSSES), *LOSSES], "metrics"
        )
        raise ValueError(f'no spec has a metric "{wanted}" ({hint})')
    order_of(wanted if wanted in known else name, known, ascending)


def best_first(
    all_series: Sequence[Series],
    wanted: str | None,
    specs: Sequence[RunSpec],
    ascending: bool | None = None,
) -> tuple[list[Series], tuple[str, str] | None]:
    """Sort the series by the mean of a metric, and return them with that metric.

    Args:
        all_series: the series to sort; series without the metric come last.
        wanted: a metric accepted by `check_metric`; the main metric if None or if no run has it.
        specs: the specs of the series.
        ascending: whether the lowest mean comes first; None for the best.

    Returns:
        The series, and the metric's data set and name, or None if no run finished.
    """
    known = dict.fromkeys(metric for each in all_series for metric in each.figures())
    found = _directions(specs)
    metric = (find_metric(wanted, known) if wanted else None) or main_metric(known, found)
    if metric is None:
        return list(all_series), None
    first = order_of(metric[1], found, ascending)

    def key(series: Series) -> float:
        values = series.figures().get(metric)
        return sort_key(spread(values).mean if values else None, first)

    return sorted(all_series, key=key), metric


def _directions(specs: Sequence[RunSpec]) -> dict[str, Better | None]:
    return common_directions(directions(each.training.metrics) for each in specs)


_STATISTICS: tuple[tuple[str, Callable[[Spread], float | None]], ...] = (
    ("mean", lambda spread: spread.mean),
    ("standard deviation", lambda spread: spread.standard_deviation),
    ("min", lambda spread: spread.minimum),
    ("max", lambda spread: spread.maximum),
)


def print_series(series: Series) -> None:
    """Print the metrics of each seed and fold, then their mean, deviation and range."""
    all_values = series.figures()
    metrics = [each for each in ordered(all_values) if each[1] not in PARTS]
    failed = len(series.finished) < len(series.outcomes)
    labels = _labels(series)
    columns = [*labels, *(f"{data}.{name}" for data, name in metrics), "seconds"]
    rows = []
    for number, run in enumerate(series.outcomes):
        values = [run.metrics.get(data, {}).get(name) for data, name in metrics]
        label = [each[number] for each in labels.values()]
        rows.append([*label, *map(format_metric, values), format_seconds(run.seconds)])
    footer = []
    if series.finished:
        spreads = [spread(all_values[each]) for each in metrics]
        seconds = spread(series.seconds())
        more = [""] * (len(labels) - 1)
        footer = [
            [
                title,
                *more,
                *(format_metric(of(each)) for each in spreads),
                format_seconds(of(seconds)),
            ]
            for title, of in _STATISTICS
        ]
    if failed:
        columns.insert(len(labels), "status")
        for row, run in zip(rows, series.outcomes, strict=True):
            row.insert(len(labels), run.status)
        for row in footer:
            row.insert(len(labels), "")
    print_table(columns, rows, frozenset(columns) - {*labels, "status"}, footer)


def _labels(series: Series) -> dict[str, list[str]]:
    """Return the columns that identify runs: seeds, if several, and folds, if any."""
    seeds = [str(each.seed) for each in series.outcomes]
    folds = [str(each.fold or "") for each in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}


def print_sweep(all_series: Sequence[Series], metric: tuple[str, str]) -> None:
    """Print a row per spec: the distribution of a metric over its runs, and seconds per run.

    Args:
        all_series: the series, in the order of the rows.
        metric: the metric's data set and name.
    """
    columns = ("spec", "runs", *(title for title, _ in _STATISTICS), "seconds a run")
    rows = []
    for series in all_series:
        values, seconds = series.figures().get(metric), series.seconds()
        of_values = spread(values) if values else None
        done, all_runs = len(series.finished), len(series.outcomes)
        rows.append(
            (
                series.name,
                str(done) if done == all_runs else f"{done} of {all_runs}",
                *(format_metric(of(of_values) if of_values else None) for _, of in _STATISTICS),
                format_seconds(spread(seconds).mean if seconds else None),
            )
        )
    print_table(".".join(metric), columns, rows, frozenset(columns) - {"spec"})
