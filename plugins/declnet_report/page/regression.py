"""Charts of predicted against true values, and of their errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from declnet import Array
from declnet_report.page.charts import LINES, MUTED, colors, even_positions, quantity, tooltip
from declnet_report.page.content import Chart, Table
from declnet_report.page.formatting import format_number
from declnet_report.page.histograms import histogram_chart
from declnet_report.palette import SHAPES

MOST_POINTS = 800
MOST_OUTPUTS = 8
"""Most outputs with their own color and shape; more are drawn as one cloud."""
PERCENTS = (0, 5, 25, 50, 75, 95, 100)


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
        _spec(list(_points(true[kept], predicted[kept])), true.shape[1], ends),
        _percentiles(true, predicted),
        f"On the dotted line both are equal.{some}",
    )


def _points(true: Array, predicted: Array) -> Iterator[dict[str, Any]]:
    for index in range(true.shape[1]):
        pairs = zip(true[:, index].tolist(), predicted[:, index].tolist(), strict=True)
        for right, answer in pairs:
            shown = {"st": format_number(right), "sp": format_number(answer)}
            yield {"true": right, "predicted": answer, "output": _output(index), **shown}


def _spec(points: list[dict[str, Any]], outputs: int, ends: tuple[float, float]) -> dict[str, Any]:
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
        output = {"field": "output", "type": "nominal"}
        encoding["color"] = {**output, "scale": {"domain": names, "range": colors(outputs)}}
        encoding["shape"] = {**output, "scale": {"domain": names, "range": SHAPES[:outputs]}}
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
