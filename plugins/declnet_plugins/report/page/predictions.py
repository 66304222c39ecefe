"""The section of a run's predictions: charts and tables by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from declnet import Array, DeclnetError, Evaluation, Group, ResultTable, StoredRun, format_cell
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
from declnet_plugins.report.page.content import Chart, Section
from declnet_plugins.report.page.forecasts import forecast_charts
from declnet_plugins.report.page.ranking import rank, ranking_charts
from declnet_plugins.report.page.run_data import Predictions, predictions_of, reason_of
from declnet_plugins.report.page.surfaces import class_surface, value_curve, value_surface
from declnet_plugins.report.page.trust import trust_charts

MOST_POINTS = 800

MOST_OUTPUTS = 8
"""Maximum number of outputs with their own color and shape; more are drawn as one cloud."""

PERCENTS = (0, 5, 25, 50, 75, 95, 100)


def prediction_sections(run: StoredRun | Group) -> dict[str, Section]:
    """Return charts and tables of the predictions of each loss by its name, or why there are none.

    The section of the only loss has the name `""`. Its tables are those that `declnet evaluate`
    prints, of all samples; its charts may be of some of them.
    """
    try:
        predictions = predictions_of(run)
        evaluation = run.evaluate(predictions[0].data_name)
    except DeclnetError as error:
        return {"": Section(f"Metrics that need predictions are left out: {reason_of(error)}.")}
    of_losses = evaluation.heads or {"": evaluation}
    return {
        prediction.name: _section(prediction, of_losses[prediction.name])
        for prediction in predictions
    }


def _section(predictions: Predictions, evaluation: Evaluation) -> Section:
    reading = predictions.reading
    fits = reading.task == "classes" or predictions.y.size == predictions.y_pred.size
    charts: Sequence[Chart] = ()
    if fits:
        draw = _value_charts if reading.task == "values" else _class_charts
        charts = draw(predictions)
    elif reading.task == "values":  # such as quantiles, which have no residuals
        charts = trust_charts(predictions)
    tables = tuple(
        replace(table, title=title[:1].upper() + title[1:])
        for name, table in evaluation.tables().items()
        for title in [table.title or name]
    )
    note = " ".join((predictions.note, *_accuracy(evaluation), *evaluation.warnings))
    return Section(note, tuple(charts), tables)


def _accuracy(evaluation: Evaluation) -> Iterator[str]:
    """Yield a sentence on how many samples are classified correctly."""
    if evaluation.counts is not None and evaluation.counts.ndim == 2:
        right, total = int(evaluation.counts.trace()), evaluation.samples
        share = format_cell(right / total, "share")
        yield f"{format_cell(right)} of them ({share}) are predicted correctly."


def _value_charts(predictions: Predictions) -> list[Chart]:
    """Return charts of predictions and residuals and, for one or two inputs, the function."""
    input_shape = predictions.input_shape
    true = predictions.y.reshape(len(predictions), -1)
    predicted = predictions.y_pred.reshape(len(predictions), -1)
    charts: list[Chart] = []
    if true.shape[1] == 1 and input_shape == (1,):
        charts.append(value_curve(predictions, true[:, 0]))
    elif true.shape[1] == 1 and input_shape == (2,):
        charts.append(value_surface(predictions, true[:, 0]))
    if predictions.predictor.windows is not None:
        charts += forecast_charts(true.astype(float), predicted.astype(float))
    charts += regression_charts(true.astype(float), predicted.astype(float))
    return [*charts, *trust_charts(predictions)]


def _class_charts(predictions: Predictions) -> list[Chart]:
    """Return the charts of classes; several binary outputs have a curve each."""
    reading = predictions.reading
    scores = predictions.y_pred.reshape(len(predictions), -1)
    true, predicted = reading.true_labels(predictions.y), reading.labels(predictions.y_pred)
    names, charts = list(reading.class_names or ()), []
    if reading.task == "flags":
        names = [_output(index) for index in range(scores.shape[1])]
        rankings = [rank(scores[:, index], true[:, index] == 1) for index in range(len(names))]
    elif reading.task == "binary":
        rankings = [rank(-scores[:, 0], true == 0), rank(scores[:, 0], true == 1)]
    else:
        rankings = [rank(scores[:, index], true == index) for index in range(len(names))]
    if predictions.input_shape == (2,) and reading.task != "flags":
        charts.append(class_surface(predictions, true, predicted, names))
    return [*charts, *ranking_charts(names, rankings), *trust_charts(predictions)]


def regression_charts(true: Array, predicted: Array) -> tuple[Chart, ...]:
    """Return predicted against true values, and the residuals' histogram, of (n, outputs)."""
    residuals = (predicted - true).reshape(-1)
    mean, deviation = format_cell(float(residuals.mean())), format_cell(float(residuals.std()))
    note = f"Mean {mean}, standard deviation {deviation}."
    return (
        truth_scatter(true, predicted),
        histogram_chart("Residuals", residuals, "predicted - true", note),
    )


def truth_scatter(true: Array, predicted: Array) -> Chart:
    """Return predicted against true values, (n, outputs) each, as a cloud of points."""
    drawn = even_positions(len(true), max(20, MOST_POINTS // true.shape[1]))
    ends = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    error = float(np.sqrt(np.mean(np.square(predicted - true))))
    some = "" if len(drawn) == len(true) else f" {len(drawn)} of {len(true)} samples are drawn."
    low, high = map(format_cell, ends)
    return Chart(
        "Predicted and true values",
        f"Scatter plot of predicted against true values from {low} to {high}; the root of the mean "
        f"squared error is {format_cell(error)}.",
        _scatter_spec(list(_points(true[drawn], predicted[drawn])), true.shape[1], ends),
        _percentiles(true, predicted),
        f"On the dotted line both are equal.{some}",
    )


def _points(true: Array, predicted: Array) -> Iterator[dict[str, Any]]:
    for index in range(true.shape[1]):
        pairs = zip(true[:, index].tolist(), predicted[:, index].tolist(), strict=True)
        for right, answer in pairs:
            shown = {"st": format_cell(right), "sp": format_cell(answer)}
            yield {"true": right, "predicted": answer, "output": _output(index), **shown}


def _scatter_spec(
    points: list[dict[str, Any]], outputs: int, ends: tuple[float, float]
) -> dict[str, Any]:
    encoding: dict[str, Any] = {
        "x": quantity("true", "true value", scale={"zero": False}),
        "y": quantity("predicted", "predicted value", scale={"zero": False}),
    }
    diagonal = {
        "data": {"values": [{"true": end, "predicted": end} for end in ends]},
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


def _percentiles(true: Array, predicted: Array) -> ResultTable:
    """Return a table of percentiles for a scatter plot."""
    parts = (true, predicted, predicted - true)
    values = (np.percentile(part, PERCENTS).tolist() for part in parts)
    rows = tuple(zip((f"{percent} %" for percent in PERCENTS), *values, strict=True))
    columns = ("percentile", "true", "predicted", "residual")
    return ResultTable("Percentiles", columns, rows, kinds=dict.fromkeys(columns[1:], "number"))


def _output(index: int) -> str:
    return f"output {index + 1}"
