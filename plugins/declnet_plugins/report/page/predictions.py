"""The section of a run's predictions: charts and tables by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from declnet import Array, ConfusionMatrix, DeclnetError, StoredRun
from declnet_plugins.report.drawing import SHAPES
from declnet_plugins.report.page.charts import (
    LINES,
    MUTED,
    category,
    colors,
    even_positions,
    histogram_chart,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart, ConfusionTable, Section, Table
from declnet_plugins.report.page.formatting import ABSENT, format_number, format_score
from declnet_plugins.report.page.ranking import Ranking, rank, ranking_charts
from declnet_plugins.report.page.run_data import Predictions, predictions_of, reason_of
from declnet_plugins.report.page.surfaces import class_surface, value_curve, value_surface
from declnet_plugins.report.page.trust import trust_charts

MOST_CLASSES = 30
"""Maximum number of classes in a confusion matrix; with more, the most confused pairs are
listed."""

MOST_PAIRS = 15

MOST_POINTS = 800

MOST_OUTPUTS = 8
"""Maximum number of outputs with their own color and shape; more are drawn as one cloud."""

PERCENTS = (0, 5, 25, 50, 75, 95, 100)


def prediction_sections(run: StoredRun) -> dict[str, Section]:
    """Return charts and tables of the predictions of each loss by its name, or why there are none.

    The section of the only loss has the name `""`.
    """
    try:
        return {each.name: _section(each) for each in predictions_of(run)}
    except DeclnetError as error:
        return {"": _left_out(reason_of(error))}


def _section(predictions: Predictions) -> Section:
    if not np.isfinite(predictions.y_pred).all():
        return _left_out("some of the predictions are not finite numbers")
    sort = predictions.reading.sort
    if sort != "classes" and predictions.y.size != predictions.y_pred.size:
        if sort != "values":
            return Section(f"{predictions.note} There are no metrics for such targets.")
        note = "Each prediction is several numbers, such as quantiles, so there are no residuals."
        return Section(f"{predictions.note} {note}", trust_charts(predictions))
    return _value_metrics(predictions) if sort == "values" else class_metrics(predictions)


def _value_metrics(predictions: Predictions) -> Section:
    """Return charts of predictions and residuals and, for one or two inputs, the function."""
    input_shape = predictions.input_shape
    true = predictions.y.reshape(len(predictions), -1)
    predicted = predictions.y_pred.reshape(len(predictions), -1)
    charts: list[Chart] = []
    if true.shape[1] == 1 and input_shape == (1,):
        charts.append(value_curve(predictions, true[:, 0]))
    elif true.shape[1] == 1 and input_shape == (2,):
        charts.append(value_surface(predictions, true[:, 0]))
    charts += regression_charts(true.astype(float), predicted.astype(float))
    charts += trust_charts(predictions)
    return Section(predictions.note, tuple(charts))


def _left_out(reason: str) -> Section:
    return Section(f"Metrics that need predictions are left out: {reason}.")


def class_metrics(predictions: Predictions) -> Section:
    """Return the charts and tables of classes; several binary outputs get a row each."""
    reading = predictions.reading
    scores = predictions.y_pred.reshape(len(predictions), -1)
    true, predicted = reading.true_labels(predictions.y), reading.labels(predictions.y_pred)
    if reading.sort == "flags":
        return _by_output(predictions, true, predicted, scores)
    names = list(reading.class_names or ())
    if reading.sort == "binary":
        rankings = [rank(-scores[:, 0], true == 0), rank(scores[:, 0], true == 1)]
    else:
        rankings = [rank(scores[:, index], true == index) for index in range(len(names))]
    matrix = ConfusionMatrix.of(true, predicted, len(names))
    right, total = int(matrix.counts.trace()), len(true)
    share = f"{100 * right / total:.1f} %"
    note = f"{predictions.note} {format_number(right)} of them ({share}) are predicted correctly."
    note += _never_predicted(matrix, names)
    charts: list[Chart] = []
    if predictions.input_shape == (2,):
        charts.append(class_surface(predictions, true, predicted, names))
    charts += ranking_charts(names, rankings)
    charts += trust_charts(predictions)
    tables = [_by_class(matrix, names, rankings)]
    if len(names) > MOST_CLASSES:
        tables.append(_most_confused(matrix.counts, names))
        return Section(note, tuple(charts), tuple(tables))
    return Section(note, tuple(charts), tuple(tables), _confusion(matrix.counts, names))


def _never_predicted(matrix: ConfusionMatrix, names: Sequence[str]) -> str:
    """Return a warning that begins with a space, if classes that occur are never predicted."""
    missing = np.flatnonzero((matrix.support > 0) & (matrix.counts.sum(axis=0) == 0))
    if not missing.size:
        return ""
    share = f"{matrix.support[missing].sum()} of {matrix.support.sum()} samples"
    classes = ", ".join(names[each] for each in missing.tolist())
    return f" Warning: never predicted: {classes} ({share})."


def _by_output(predictions: Predictions, true: Array, predicted: Array, scores: Array) -> Section:
    """Return curves and scores of several binary outputs, (n, outputs) each."""
    names = [f"output {index + 1}" for index in range(scores.shape[1])]
    rankings = [rank(scores[:, index], true[:, index] == 1) for index in range(len(names))]
    rows = []
    for index, name in enumerate(names):
        matrix = ConfusionMatrix.of(true[:, index], predicted[:, index], 2)
        rows.append((name, *_scores(matrix, 1), format_number(int(matrix.support[1]))))
    columns = ("output", "precision", "recall", "F1", "support")
    table = Table("Metrics by output", columns, tuple(rows))
    charts = (*ranking_charts(names, rankings), *trust_charts(predictions))
    return Section(predictions.note, charts, (table,))


def _by_class(
    matrix: ConfusionMatrix, names: Sequence[str], rankings: Sequence[Ranking | None]
) -> Table:
    """Return precision, recall, F1, ROC AUC and number of samples of each class."""
    rows = [
        (
            name,
            *_scores(matrix, index),
            format_score(ranking.roc_area) if ranking is not None else ABSENT,
            format_number(int(matrix.support[index])),
        )
        for index, (name, ranking) in enumerate(zip(names, rankings, strict=True))
    ]
    columns = ("class", "precision", "recall", "F1", "ROC area", "support")
    return Table("Metrics by class", columns, tuple(rows))


def _scores(matrix: ConfusionMatrix, index: int) -> list[str]:
    return [format_score(each[index]) for each in (matrix.precision, matrix.recall, matrix.f1)]


def _confusion(counts: Array, names: Sequence[str]) -> ConfusionTable:
    """Return counts and their shares of the true class."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = tuple(
        tuple((int(count), float(share)) for count, share in zip(row, parts, strict=True))
        for row, parts in zip(counts, shares, strict=True)
    )
    return ConfusionTable(tuple(names), rows)


def _most_confused(counts: Array, names: Sequence[str]) -> Table:
    """Return the most often confused pairs of classes, where a matrix would be too large."""
    columns = ("true class", "predicted class", "samples")
    return Table("Most often confused", columns, tuple(_worst(counts, names)))


def _worst(counts: Array, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    wrong = counts * (1 - np.eye(len(names), dtype=counts.dtype))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]:
        true, predicted = divmod(int(place), len(names))
        if wrong[true, predicted]:
            yield names[true], names[predicted], format_number(int(wrong[true, predicted]))


def regression_charts(true: Array, predicted: Array) -> tuple[Chart, ...]:
    """Return predicted against true values, and the residuals' histogram, of (n, outputs)."""
    residuals = (predicted - true).reshape(-1)
    mean, deviation = format_number(float(residuals.mean())), format_number(float(residuals.std()))
    note = f"Mean {mean}, standard deviation {deviation}."
    return (
        truth_scatter(true, predicted),
        histogram_chart("Residuals", residuals, "predicted - true", note),
    )


def truth_scatter(true: Array, predicted: Array) -> Chart:
    """Return predicted against true values, (n, outputs) each, as a cloud of points."""
    kept = even_positions(len(true), max(20, MOST_POINTS // true.shape[1]))
    ends = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    error = float(np.sqrt(np.mean(np.square(predicted - true))))
    some = "" if len(kept) == len(true) else f" {len(kept)} of {len(true)} samples are drawn."
    low, high = map(format_number, ends)
    return Chart(
        "Predicted and true values",
        f"Scatter plot of predicted against true values from {low} to {high}; the root of the mean "
        f"squared error is {format_number(error)}.",
        _scatter_spec(list(_points(true[kept], predicted[kept])), true.shape[1], ends),
        _percentiles(true, predicted),
        f"On the dotted line both are equal.{some}",
    )


def _points(true: Array, predicted: Array) -> Iterator[dict[str, Any]]:
    for index in range(true.shape[1]):
        pairs = zip(true[:, index].tolist(), predicted[:, index].tolist(), strict=True)
        for right, answer in pairs:
            shown = {"st": format_number(right), "sp": format_number(answer)}
            yield {"true": right, "predicted": answer, "output": _output(index), **shown}


def _scatter_spec(
    points: list[dict[str, Any]], outputs: int, ends: tuple[float, float]
) -> dict[str, Any]:
    encoding: dict[str, Any] = {
        "x": quantity("true", "true value", scale={"zero": False}),
        "y": quantity("predicted", "predicted value", scale={"zero": False}),
    }
    diagonal = {
        "data": {"values": [{"true": each, "predicted": each} for each in ends]},
        "mark": {"type": "line", "stroke": MUTED, "strokeDash": [2, 4], "strokeWidth": 1.5},
        "encoding": dict(encoding),
    }
    about = [("output", "output")] if outputs > 1 else []
    encoding["tooltip"] = tooltip(*about, ("st", "true"), ("sp", "predicted"))
    encoding["color"] = {"value": colors(1)[0]}
    if 1 < outputs <= MOST_OUTPUTS:
        names = [_output(index) for index in range(outputs)]
        encoding["color"] = category("output", names, colors(outputs))
        encoding["shape"] = category("output", names, SHAPES[:outputs])
    mark = {"type": "point", "filled": True, "size": 32, "opacity": 0.55}
    cloud = {"data": {"values": points}, "mark": mark, "encoding": encoding}
    grid = {"axisX": {"grid": True, "gridColor": LINES}}
    return {"height": 300, "config": grid, "layer": [diagonal, cloud]}


def _percentiles(true: Array, predicted: Array) -> Table:
    """Return a table of percentiles for a scatter plot."""
    parts = (true, predicted, predicted - true)
    rows = tuple(
        (f"{percent} %", *(format_number(float(np.percentile(each, percent))) for each in parts))
        for percent in PERCENTS
    )
    return Table("Percentiles", ("percentile", "true", "predicted", "residual"), rows)


def _output(index: int) -> str:
    return f"output {index + 1}"
