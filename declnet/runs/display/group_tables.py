"""The tables of several runs: folds and seeds, the specs of a sweep, the trials of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from declnet.contracts.runs.searcher import StudyTrial
from declnet.display.tables import (
    Cell,
    Kind,
    ResultTable,
    Row,
    TableChart,
    kinds_of,
)
from declnet.display.words import counted
from declnet.runs.display.metric_labels import ordered
from declnet.runs.display.result_tables import STATISTICS
from declnet.runs.display.series_tables import decimals_of, series_table, statistics_of
from declnet.runs.many.group import Group
from declnet.runs.many.ranking import main_effects
from declnet.runs.many.series import RunSeries
from declnet.runs.many.study import StudySummary, best_trials
from declnet.runs.ranking import by_importance, informative

MOST_RANKED = 5
"""Number of specs that a terminal shows while a sweep is trained."""
MOST_TRIALS = 10
"""Maximum number of trials shown of a study."""


def group_tables(group: Group) -> Iterator[ResultTable]:
    """Yield the tables of a group, starting with the metrics of its models together.

    Raises:
        DeclnetError: as `Group.series` and `Group.evaluate` do.
    """
    for evaluation in group.evaluations:
        samples = counted(evaluation.samples, "sample")
        yield replace(evaluation.tables()["metrics"], title=f"{evaluation.data}, {samples}")
    if group.file.has_members and group.evaluations:
        yield members_table(group)
    if group.file.kind == "study":
        yield replace(trials_table(group, group.trials), note=". ".join(group.remarks))
        if group.importance:
            yield importance_table(group.importance)
        return
    all_series = group.series()
    if group.is_predictor:
        for series in all_series:
            if len(series.outcomes) > 1:
                yield replace(series_table(series), title=f"Runs of {series.name}")
        return
    _, metric = group.ranked(all_series)
    if metric is not None:
        yield from sweep_tables(all_series, metric, group.values)


def ranking_table(all_series: Sequence[RunSeries], metric: tuple[str, str]) -> ResultTable:
    """Return the finished runs of sorted specs, and their mean."""
    rows = tuple(
        (series.name, len(series.finished), statistics_of(series.metrics().get(metric))[0])
        for series in all_series
    )
    name = ".".join(metric)
    return ResultTable("", ("best so far", "runs", name), rows, kinds=kinds_of([name]))


def sweep_tables(
    all_series: Sequence[RunSeries],
    metric: tuple[str, str],
    values: Mapping[str, Mapping[str, Any]],
) -> Iterator[ResultTable]:
    """Yield a metric by spec, then by the values of keys if several vary, and gaps between data.

    Args:
        all_series: the series of the specs, the best first.
        metric: the data set and the name of the metric.
        values: the values of the keys, by the name of the spec.
    """
    several = any(len(series.finished) > 1 for series in all_series)
    statistics = STATISTICS if several else STATISTICS[:1]
    rows: list[Row] = []
    for series in all_series:
        done, count = len(series.finished), len(series.outcomes)
        runs = str(done) if done == count else f"{done} of {count}"
        values_of = statistics_of(series.metrics().get(metric))[: len(statistics)]
        rows.append((series.name, runs, *values_of, statistics_of(series.seconds())[0]))
    decimals = _decimals_of_statistics([row[3] for row in rows] if several else [])
    kinds: dict[str, Kind] = {**kinds_of(statistics), "runs": "integer", "seconds a run": "seconds"}
    name, columns = ".".join(metric), ("spec", "runs", *statistics, "seconds a run")
    optional = (*statistics[1:], "seconds a run")
    yield ResultTable(name, columns, tuple(rows), kinds=kinds, optional=optional, decimals=decimals)
    effects = main_effects(all_series, metric, values)
    if len(effects) > 1:
        yield _effects_table(name, effects)
    yield from gap_tables(all_series, (metric[1], "loss"))


def _effects_table(name: str, effects: Mapping[str, Mapping[str, list[float]]]) -> ResultTable:
    """Return a metric by each key that varies and its values."""
    rows = tuple(
        ("" if number else key, value, len(metrics), *statistics_of(metrics))
        for key, by_value in effects.items()
        for number, (value, metrics) in enumerate(by_value.items())
    )
    return ResultTable(
        f"{name} by value",
        ("key", "value", "runs", *STATISTICS),
        rows,
        kinds=kinds_of(STATISTICS),
        optional=STATISTICS[1:],
        decimals=_decimals_of_statistics([row[4] for row in rows]),
    )


def _decimals_of_statistics(deviations: Iterable[Cell]) -> dict[str, int]:
    """Return the decimal places of `STATISTICS`, by the lower quartile of standard deviations."""
    known = sorted(value for value in deviations if isinstance(value, float) and value > 0)
    return decimals_of(dict.fromkeys(STATISTICS, known[len(known) // 4] if known else None))


def gap_tables(all_series: Sequence[RunSeries], names: Collection[str]) -> Iterator[ResultTable]:
    """Yield a table for each of some metrics: on training data, on held-out data, and the gap.

    Held-out data is the test data, or else the validation data. Without any, there are no tables.
    """
    known = ordered(metric for series in all_series for metric in series.gaps())
    held_out = [data for data in ("test", "validation") if any(held == data for held, _ in known)]
    for data, name in known:
        if data not in held_out[:1] or name not in names:
            continue
        rows = []
        for series in all_series:
            metrics = series.metrics()
            three = (metrics.get(("train", name)), metrics.get((data, name)))
            statistics = map(statistics_of, (*three, series.gaps().get((data, name))))
            rows.append((series.name, *(value for pair in statistics for value in pair[:2])))
        columns = ("spec", "train", "±", data, "±", "gap", "±")
        title = f"{name}, mean ± standard deviation"
        yield ResultTable(title, columns, tuple(rows), kinds=kinds_of(columns[1:]))


def members_table(group: Group) -> ResultTable:
    """Return a row per member, with its weight and own metrics, and a last row for all together.

    Raises:
        DeclnetError: as `Ensemble.evaluate` does.
    """
    name = group.evaluated_on[0]
    all_models = group.evaluations[0] if group.evaluations else group.evaluate(name)
    members = group.of_members(name)
    values = {
        point: {**evaluation.metrics, **(evaluation.errors or {})}
        for point, (_, evaluation) in members.items()
    }
    metrics = [
        name for _, name in by_importance(informative([{"": row} for row in values.values()]))
    ]
    rows = tuple(
        (point, group.weights[point], *map(row.get, metrics)) for point, row in values.items()
    )
    without = tuple(
        (point, 0.0, *(None for _ in metrics))
        for point, weight in group.weights.items()
        if point not in values
    )
    columns = ("member", "weight", *metrics)
    together = {**all_models.metrics, **(all_models.errors or {})}
    footer = (("all together", None, *map(together.get, metrics)),)
    return ResultTable(
        f"members, {all_models.data}",
        columns,
        (*rows, *without),
        kinds=kinds_of(columns[1:]),
        optional=columns[3:],
        footer=footer,
    )


def trials_table(
    stored: Group, trials: Iterable[StudyTrial], most: int = MOST_TRIALS
) -> ResultTable:
    """Return the best trials of a study: their values, objective and seconds."""
    keys = short_keys(stored)
    rows = tuple(
        (trial.number, *map(trial.values.get, keys), trial.value, trial.seconds)
        for trial in best_trials(trials, stored.better)[:most]
    )
    counts = [
        f"{count} {state}"
        for state in ("finished", "pruned", "failed", "running")
        if (count := sum(trial.state == state for trial in stored.trials))
    ]
    objective = str(stored.objective)
    kinds: dict[str, Kind] = {**kinds_of(keys.values(), "setting"), objective: "number"}
    return ResultTable(
        f"trials: {', '.join(counts) or 'none'}",
        ("trial", *keys.values(), objective, "seconds"),
        rows,
        kinds={**kinds, "seconds": "seconds"},
        optional=(*keys.values(), "seconds"),
    )


def short_keys(stored: Group) -> dict[str, str]:
    """Return each key of a study with the last part of it, if no other key ends the same."""
    keys = [dimension.key for dimension in stored.search.space]
    last = [key.rpartition(".")[2] for key in keys]
    return {
        key: end if last.count(end) == 1 and not end.isdigit() else key
        for key, end in zip(keys, last, strict=True)
    }


def summary_tables(summary: StudySummary) -> Iterator[ResultTable]:
    """Yield the trials of a study by number, with their objective drawn, and what keys matter."""
    keys = dict.fromkeys(key for trial in summary.trials for key in trial.values)
    rows = tuple(
        (trial.number, trial.state, *map(trial.values.get, keys), trial.value)
        for trial in summary.trials
    )
    columns = ("trial", "state", *keys, summary.objective)
    kinds: dict[str, Kind] = {**kinds_of(keys, "setting"), summary.objective: "number"}
    chart = TableChart("lines", "trial", (summary.objective,), axis="auto")
    note = summary.gain.sentence(summary.objective) if summary.gain is not None else ""
    yield ResultTable(summary.name, columns, rows, note, kinds, chart)
    if summary.importance:
        yield importance_table(summary.importance)


def importance_table(importance: Mapping[str, float]) -> ResultTable:
    """Return how much each key matters to the objective of a study."""
    rows = tuple(importance.items())
    chart = TableChart("bars", "key", ("importance",))
    kinds: dict[str, Kind] = {"importance": "share"}
    return ResultTable("", ("key", "importance"), rows, kinds=kinds, chart=chart)
