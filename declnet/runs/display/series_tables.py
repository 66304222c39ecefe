"""The table of the runs of one spec with several seeds or folds."""

from __future__ import annotations

from declnet.display.tables import Kind, ResultTable, Row, kinds_of
from declnet.runs.display.metric_labels import ordered
from declnet.runs.display.result_tables import STATISTICS
from declnet.runs.many.series import RunSeries, spread
from declnet.runs.ranking import PARTS


def series_table(series: RunSeries) -> ResultTable:
    """Return a row for each seed and fold, and below the mean, deviation and range."""
    all_values = series.metrics()
    metrics = [metric for metric in ordered(all_values) if metric[1] not in PARTS]
    labels = _labels(series)
    if len(series.finished) < len(series.outcomes):
        labels["status"] = [outcome.status for outcome in series.outcomes]
    rows = tuple(
        (*label, *(run.metrics.get(data, {}).get(name) for data, name in metrics), run.seconds)
        for run, *label in zip(series.outcomes, *labels.values(), strict=True)
    )
    footer: list[Row] = []
    if series.finished:
        columns = [*(all_values[metric] for metric in metrics), series.seconds()]
        spreads = (vars(spread(values)).values() for values in columns)
        more = [""] * (len(labels) - 1)
        footer = [(*row[:1], *more, *row[1:]) for row in zip(STATISTICS, *spreads, strict=True)]
    names = tuple(map(".".join, metrics))
    kinds: dict[str, Kind] = {**kinds_of(labels, "text"), **kinds_of(names), "seconds": "seconds"}
    return ResultTable("", (*labels, *names, "seconds"), rows, kinds=kinds, footer=tuple(footer))


def _labels(series: RunSeries) -> dict[str, list[str]]:
    """Return the columns that identify runs: seeds, if several, and folds, if any."""
    seeds = [str(outcome.seed) for outcome in series.outcomes]
    folds = [str(outcome.fold or "") for outcome in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}
