"""Tables of a sweep: the metrics of each seed and fold, and their distribution by spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from declnet.report.metrics import PARTS, format_metric, format_seconds, ordered
from declnet.report.terminal import print_table
from declnet.runs.sweep.series import Series, Spread, spread

_STATISTICS: tuple[tuple[str, Callable[[Spread], float | None]], ...] = (
    ("mean", lambda spread: spread.mean),
    ("standard deviation", lambda spread: spread.standard_deviation),
    ("min", lambda spread: spread.minimum),
    ("max", lambda spread: spread.maximum),
)


def print_series(series: Series) -> None:
    """Print a row for each seed and fold with its metrics, then their mean, deviation and range."""
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
    print_table(None, columns, rows, frozenset(columns) - {*labels, "status"}, footer)


def _labels(series: Series) -> dict[str, list[str]]:
    """What tells the runs apart: seeds, if there are several, and folds, if there are any."""
    seeds = [str(each.seed) for each in series.outcomes]
    folds = [str(each.fold or "") for each in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}


def print_sweep(all_series: Sequence[Series], metric: tuple[str, str]) -> None:
    """Print a row for each spec: the distribution of a metric over its runs, and the seconds a run.

    Args:
        all_series: in the order of the rows.
        metric: the data set and the name.
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
