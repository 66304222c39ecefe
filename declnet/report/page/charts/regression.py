"""Predictions of values: against the truth, and what they miss it by."""

from __future__ import annotations

from declnet.components.arrays import Array
from declnet.report.page.charts.histogram import histogram_chart
from declnet.report.page.charts.truth_scatter import truth_scatter
from declnet.report.page.content import Chart
from declnet.report.page.numbers import shown_number


def regression_charts(true: Array, predicted: Array) -> tuple[Chart, ...]:
    """Predicted against true values, and the residuals' histogram; arrays (n, outputs)."""
    residuals = (predicted - true).reshape(-1)
    mean, deviation = shown_number(float(residuals.mean())), shown_number(float(residuals.std()))
    note = f"Mean {mean}, standard deviation {deviation}."
    return (
        truth_scatter(true, predicted),
        histogram_chart("Residuals", residuals, "predicted - true", note),
    )
