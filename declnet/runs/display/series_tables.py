"""The tables of runs of one spec with several seeds or folds, or of several such specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from declnet.display.tables import (
    Kind,
    ResultTable,
    Row,
    decimals_for,
    format_spread,
    kinds_of,
)
from declnet.runs.display.result_tables import STATISTICS
from declnet.runs.many.series import RunSeries, spread
from declnet.runs.ranking import FOR_CHOICE, PARTS, TO_REPORT, by_importance


def series_table(series: RunSeries) -> ResultTable:
    """Return a row for each seed and fold, and below the mean and standard deviation.

    The metric that the task is judged by comes first, each metric with the digits that its
    deviation lets count.
    """
    all_values, has_folds = series.metrics(), any(outcome.fold for outcome in series.outcomes)
    data_sets = FOR_CHOICE if has_folds else TO_REPORT
    metrics = [
        metric
        for metric in by_importance(all_values, data_sets=data_sets)
        if metric[1] not in PARTS
    ]
    labels = _labels(series)
    if len(series.finished) < len(series.outcomes):
        labels["status"] = [outcome.status for outcome in series.outcomes]
    rows = tuple(
        (*label, *(run.metrics.get(data, {}).get(name) for data, name in metrics), run.seconds)
        for run, *label in zip(series.outcomes, *labels.values(), strict=True)
    )
    footer: list[Row] = []
    names, decimals = tuple(map(".".join, metrics)), dict[str, int]()
    if series.finished:
        columns = [*(all_values[metric] for metric in metrics), series.seconds()]
        means, deviations = zip(*(statistics_of(values)[:2] for values in columns), strict=True)
        more = [""] * (len(labels) - 1)
        footer = [(STATISTICS[0], *more, *means)]
        if len(series.finished) > 1:
            footer.append((STATISTICS[1], *more, *deviations))
        decimals = decimals_of(dict(zip(names, deviations, strict=False)))
    kinds: dict[str, Kind] = {**kinds_of(labels, "text"), **kinds_of(names), "seconds": "seconds"}
    return ResultTable(
        "",
        (*labels, *names, "seconds"),
        rows,
        kinds=kinds,
        footer=tuple(footer),
        optional=(*names[1:], "seconds"),
        decimals=decimals,
    )


def decimals_of(deviations: Mapping[str, float | None]) -> dict[str, int]:
    """Return the decimal places of columns whose standard deviation is known."""
    places = {name: decimals_for(deviation) for name, deviation in deviations.items()}
    return {name: count for name, count in places.items() if count is not None}


def points_table(all_series: Sequence[RunSeries]) -> ResultTable:
    """Return a row for each of several specs: its finished runs, and the means of its metrics."""
    values = [series.metrics() for series in all_series]
    known = by_importance(metric for metrics in values for metric in metrics)
    metrics = [metric for metric in known if metric[1] not in PARTS]
    rows = []
    for series, of_spec in zip(all_series, values, strict=True):
        spreads = (statistics_of(of_spec.get(metric))[:2] for metric in metrics)
        runs = f"{len(series.finished)} of {len(series.outcomes)}"
        rows.append((series.name, runs, *(format_spread(*pair) for pair in spreads)))
    names = tuple(map(".".join, metrics))
    columns = ("member", "finished", *names)
    return ResultTable("", columns, tuple(rows), kinds=kinds_of(names), optional=names[1:])


def _labels(series: RunSeries) -> dict[str, list[str]]:
    """Return the columns that identify runs: seeds, if several, and folds, if any."""
    seeds = [str(outcome.seed) for outcome in series.outcomes]
    folds = [str(outcome.fold or "") for outcome in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}


def statistics_of(values: Sequence[float] | None) -> tuple[float | None, ...]:
    """Return the `STATISTICS` of a metric; None of a metric without values."""
    return tuple(vars(spread(values)).values()) if values else (None,) * len(STATISTICS)
