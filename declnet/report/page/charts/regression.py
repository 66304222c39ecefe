"""Predictions of values: against the truth, and what they miss it by."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.charts.histogram import histogram_chart
from declnet.report.page.charts.style import LINES, MUTED, colours, quantity, tooltip
from declnet.report.page.content import Chart, Table
from declnet.report.page.numbers import shown_number
from declnet.report.page.palette import SHAPES
from declnet.report.page.statistics.thinning import even_positions

MOST_POINTS = 800
MOST_OUTPUTS = 8


def regression_charts(true: Array, predicted: Array) -> tuple[Chart, ...]:
    """Predicted against true values, and the residuals' histogram; arrays (n, outputs)."""
    residuals = (predicted - true).reshape(-1)
    return (
        _against_truth(true, predicted),
        histogram_chart(
            "Residuals",
            residuals,
            "predicted - true",
            note=f"Mean {shown_number(float(residuals.mean()))}, standard deviation "
            f"{shown_number(float(residuals.std()))}.",
            height=300,
        ),
    )


def _against_truth(true: Array, predicted: Array) -> Chart:
    outputs = true.shape[1]
    told_apart = 1 < outputs <= MOST_OUTPUTS
    kept = even_positions(len(true), max(20, MOST_POINTS // outputs))
    values = [
        {
            "true": t,
            "predicted": p,
            "output": f"output {index + 1}",
            "st": shown_number(t),
            "sp": shown_number(p),
        }
        for index in range(outputs if told_apart else 1)
        for t, p in zip(
            (true[kept, index] if told_apart else true[kept].reshape(-1)).astype(float).tolist(),
            (predicted[kept, index] if told_apart else predicted[kept].reshape(-1))
            .astype(float)
            .tolist(),
            strict=True,
        )
    ]
    low = float(min(true.min(), predicted.min()))
    high = float(max(true.max(), predicted.max()))
    rms = float(np.sqrt(np.mean((predicted - true) ** 2)))
    names = [f"output {index + 1}" for index in range(outputs)]
    encoding: dict[str, Any] = {
        "x": quantity("true", "true value", scale={"zero": False}),
        "y": quantity("predicted", "predicted value", scale={"zero": False}),
        "tooltip": tooltip(("st", "true"), ("sp", "predicted")),
    }
    mark: dict[str, Any] = {"type": "point", "filled": True, "size": 32, "opacity": 0.55}
    if told_apart:
        scale = {"domain": names, "range": colours(outputs)}
        encoding["color"] = {"field": "output", "type": "nominal", "scale": scale}
        shapes = {"domain": names, "range": list(SHAPES[:outputs])}
        encoding["shape"] = {"field": "output", "type": "nominal", "scale": shapes}
    else:
        mark["color"] = colours(1)[0]
    spec = {
        "height": 300,
        "config": {"axisX": {"grid": True, "gridColor": LINES}},
        "layer": [
            {
                "data": {"values": [{"true": each, "predicted": each} for each in (low, high)]},
                "mark": {"type": "line", "stroke": MUTED, "strokeDash": [2, 4], "strokeWidth": 1.5},
                "encoding": {key: encoding[key] for key in ("x", "y")},
            },
            {"data": {"values": values}, "mark": mark, "encoding": encoding},
        ],
    }
    some = "" if len(kept) == len(true) else f" {len(kept)} of {len(true)} samples are drawn."
    return Chart(
        "Predicted and true values",
        f"Scatter plot of predicted against true values from {shown_number(low)} to "
        f"{shown_number(high)}; the root of the mean squared error is {shown_number(rms)}.",
        spec,
        _table(true, predicted),
        f"On the dotted line both are equal.{some}",
    )


def _table(true: Array, predicted: Array) -> Table:
    """Percentiles, which say of a cloud of points what a table can."""
    rows = []
    for percent in (0, 5, 25, 50, 75, 95, 100):
        values = [
            float(np.percentile(each, percent)) for each in (true, predicted, predicted - true)
        ]
        rows.append((f"{percent} %", *map(shown_number, values)))
    return Table("Percentiles", ("percentile", "true", "predicted", "residual"), tuple(rows))
