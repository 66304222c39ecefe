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
    decimals_for,
    format_spread,
    kinds_of,
)
from declnet.display.words import counted
from declnet.runs.display.metric_labels import ordered
from declnet.runs.display.result_tables import STATISTICS
from declnet.runs.many.group import Group
from declnet.runs.many.ranking import main_effects
from declnet.runs.many.series import RunSeries, spread
from declnet.runs.many.study import best_trials
from declnet.runs.ranking import FOR_CHOICE, PARTS, TO_REPORT, by_importance, informative

MOST_RANKED = 5
"""Number of specs that a terminal shows while a sweep is trained."""
MOST_TRIALS = 10
"""Maximum number of trials shown of a study."""


def group_tables(group: Group) -> Iterator[ResultTable]:
    """Yield the tables of a group, that of its models together first.

    Raises:
        DeclnetError: as `Group.series` and `Group.evaluate` do.
    """
    for evaluation in group.evaluations:
        samples = counted(evaluation.samples, "sample")
        yield replace(evaluation.tables()["metrics"], title=f"{evaluation.data}, {samples}")
    if group.file.has_members and group.evaluations:
        yield members_table(group)
    if group.file.kind == "study":
        yield trials_table(group, group.trials)
        if group.importance:
            yield importance_table(group)
        return
    all_series = group.series()
    if group.is_predictor:
        for series in all_series:
            yield replace(series_table(series), title=f"Runs of {series.name}")
        return
    _, metric = group.ranked(all_series)
    if metric is not None:
        yield from sweep_tables(all_series, metric, group.values)


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
        means, deviations = zip(*(_statistics(values)[:2] for values in columns), strict=True)
        more = [""] * (len(labels) - 1)
        footer = [(STATISTICS[0], *more, *means)]
        if len(series.finished) > 1:
            footer.append((STATISTICS[1], *more, *deviations))
        decimals = _decimals(dict(zip(names, deviations, strict=False)))
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


def _decimals(deviations: Mapping[str, float | None]) -> dict[str, int]:
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
        spreads = (_statistics(of_spec.get(metric))[:2] for metric in metrics)
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


def ranking_table(all_series: Sequence[RunSeries], metric: tuple[str, str]) -> ResultTable:
    """Return the finished runs of sorted specs, and their mean."""
    rows = tuple(
        (series.name, len(series.finished), _statistics(series.metrics().get(metric))[0])
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
        values_of = _statistics(series.metrics().get(metric))[: len(statistics)]
        rows.append((series.name, runs, *values_of, _statistics(series.seconds())[0]))
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
        ("" if number else key, value, len(metrics), *_statistics(metrics))
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
    return _decimals(dict.fromkeys(STATISTICS, known[len(known) // 4] if known else None))


def _statistics(values: Sequence[float] | None) -> tuple[float | None, ...]:
    """Return the `STATISTICS` of a metric; None of a metric without values."""
    return tuple(vars(spread(values)).values()) if values else (None,) * len(STATISTICS)


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
            statistics = map(_statistics, (*three, series.gaps().get((data, name))))
            rows.append((series.name, *(value for pair in statistics for value in pair[:2])))
        columns = ("spec", "train", "±", data, "±", "gap", "±")
        title = f"{name}, mean ± standard deviation"
        yield ResultTable(title, columns, tuple(rows), kinds=kinds_of(columns[1:]))


def members_table(group: Group) -> ResultTable:
    """Return a row for each member: its weight, and its metrics alone; below, those of all.

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


def importance_table(stored: Group) -> ResultTable:
    """Return how much each key matters to the objective of a study."""
    rows = tuple(stored.importance.items())
    return ResultTable("", ("key", "importance"), rows, kinds={"importance": "share"})


def short_keys(stored: Group) -> dict[str, str]:
    """Return each key of a study with the last part of it, if no other key ends the same."""
    keys = [dimension.key for dimension in stored.search.space]
    last = [key.rpartition(".")[2] for key in keys]
    return {
        key: end if last.count(end) == 1 and not end.isdigit() else key
        for key, end in zip(keys, last, strict=True)
    }
