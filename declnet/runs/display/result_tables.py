"""The tables of a run and of an evaluation, for the command line, notebooks and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.display.tables import ResultTable, Row, kinds_of
from declnet.display.words import counted
from declnet.runs.display.metric_labels import ordered
from declnet.runs.inference.evaluation import CalibrationResult, Evaluation
from declnet.runs.ranking import MetricValues, informative
from declnet.runs.storage.documents import Baseline

MOST_CLASSES = 30
"""Classes of the largest confusion matrix shown; beyond that, the worst pairs are listed."""
MOST_PAIRS = 15

STATISTICS = ("mean", "standard deviation", "min", "max")
"""Column headings for the values of a `Spread`, in order."""


def metrics_table(
    metrics: MetricValues,
    baselines: Mapping[str, Baseline] | None = None,
    references: Mapping[str, Sequence[Baseline]] | None = None,
) -> ResultTable:
    """Return a row per metric, and a column per data set.

    Args:
        metrics: the metrics by data set and name.
        baselines: the metrics of constant predictions by data set, of which those on the most
            telling data are one more column.
        references: those of other forecasts by data set, each one more column in the same way.
    """
    columns = dict(metrics)
    for data in ("test", "validation", "train"):
        simple = compared(data, baselines or {}, references or {})
        if data in metrics and simple:
            for baseline in simple:
                columns[f"{data} baseline: {baseline.title}"] = dict(baseline.metrics)
            break
    names = dict.fromkeys(name for _, name in ordered(informative([metrics])))
    rows = tuple((name, *(values.get(name) for values in columns.values())) for name in names)
    return ResultTable("", ("", *columns), rows, kinds=kinds_of(columns))


def compared(
    data: str, baselines: Mapping[str, Baseline], references: Mapping[str, Sequence[Baseline]]
) -> list[Baseline]:
    """Return what the metrics of a data set are compared with: constants, then references."""
    constant = [baselines[data]] if data in baselines else []
    return [simple for simple in (*constant, *references.get(data, ())) if simple.metrics]


def evaluation_tables(evaluation: Evaluation) -> dict[str, ResultTable]:
    """Return the tables of an evaluation by what they hold, as `Evaluation.tables` does."""
    tables = {"metrics": _metrics(evaluation)}
    if evaluation.calibration is not None:
        tables["calibration"] = calibration_table(evaluation.calibration)
    columns = ("class", "precision", "recall", "f1", "support")
    if by_class := evaluation.by_class():
        rows = tuple(tuple(scores[name] for name in columns) for scores in by_class)
        tables["by class"] = ResultTable("", columns, rows)
    counts, names = evaluation.counts, evaluation.class_names
    if counts is not None and names is not None:
        few = len(names) <= MOST_CLASSES
        tables["confusion"] = (confusion_table if few else confused_pairs)(counts, names)
    return tables


def _metrics(evaluation: Evaluation) -> ResultTable:
    """Return a row per metric and error, next to the values of simpler predictions."""
    metrics, baseline = evaluation.metrics, evaluation.baseline
    values = {name: metrics[name] for _, name in ordered(informative([{"": dict(metrics)}]))}
    values |= {k: v for k, v in (evaluation.errors or {}).items() if k not in metrics}
    columns: tuple[str, ...] = ("metric", "value")
    rows: list[Row] = list(values.items())
    constant = {"": baseline} if baseline is not None else {}
    simple = compared("", constant, {"": evaluation.references})
    if simple:
        columns = (*columns, *(f"baseline: {one.title}" for one in simple))
        rows = [
            (name, value, *(one.metrics.get(name) for one in simple))
            for name, value in values.items()
        ]
    return ResultTable("", columns, tuple(rows), kinds=kinds_of(columns[1:]))


def calibration_table(result: CalibrationResult) -> ResultTable:
    """Return what the calibrators learned, and what they do on this data."""
    fitted = f"fitted to {counted(result.samples, 'validation sample')}"
    coverage = (f"{name} {value:.4g}" for name, value in (result.coverage or {}).items())
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    if result.before is not None and result.after is not None:
        columns, after = ("metric", "uncalibrated", "calibrated"), result.after
        rows = tuple((name, value, after[name]) for name, value in result.before.items())
    return ResultTable(
        f"calibration, {fitted}: {'; '.join(result.steps)}",
        columns,
        rows,
        ", ".join(coverage),
        kinds_of(columns[1:]),
    )


def confusion_table(counts: Array, names: Sequence[str]) -> ResultTable:
    """Return the samples of each true class by predicted class, marked by their share of it."""
    totals = np.maximum(counts.sum(axis=1), 1)
    marks = tuple(
        (true, said + 1, float(counts[true, said] / totals[true]) * (1 if true == said else -1))
        for true, said in np.argwhere(counts).tolist()
    )
    rows = tuple((name, *row) for name, row in zip(names, counts.tolist(), strict=True))
    columns = ("true class", *(f"as {name}" for name in names))
    return ResultTable("Confusion matrix", columns, rows, marks=marks)


def confused_pairs(counts: Array, names: Sequence[str]) -> ResultTable:
    """Return the most often confused pairs of classes, where a matrix would be too large."""
    places = [(true, said) for true, said in np.argwhere(counts).tolist() if true != said]
    places.sort(key=lambda place: -counts[place])
    rows = tuple((names[i], names[j], int(counts[i, j])) for i, j in places[:MOST_PAIRS])
    columns = ("true class", "predicted as", "samples")
    return ResultTable("Most often confused", columns, rows, kinds={"samples": "integer"})
