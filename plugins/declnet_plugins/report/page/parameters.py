"""Histograms of a run's parameters and, if known, of their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from declnet import Array, DeclnetError, OutputError, ResultTable, StoredRun, WeightsError
from declnet_plugins.report.page.charts import even_positions, histogram_chart
from declnet_plugins.report.page.content import Chart, Section
from declnet_plugins.report.page.formatting import format_shape
from declnet_plugins.report.page.run_data import seen_data

SAMPLES = 512
"""Training samples used for the gradients."""
MOST_CHARTS = 16
"""Maximum number of parameters with a histogram; the table lists all."""
FEWEST = 8
"""Minimum size of a parameter with a histogram; for fewer numbers the table says as much."""

_STATISTICS: dict[str, Callable[[Array], Any]] = {
    "mean": np.mean,
    "deviation": np.std,
    "least": np.min,
    "greatest": np.max,
}


def parameter_section(run: StoredRun) -> Section:
    """Return the distributions of all parameters, or why there are none."""
    try:
        weights = run.parameters()
    except (OutputError, WeightsError) as error:
        return Section(f"The weights cannot be shown: {error}.")
    if not weights:
        return Section("The network has no parameters.")
    weights = _by_layer(run, weights)
    gradients = _gradients(run)
    largest = sorted(weights, key=lambda key: weights[key].size, reverse=True)[:MOST_CHARTS]
    drawn = [key for key in weights if key in largest and weights[key].size >= FEWEST]
    return Section(
        _note(weights, drawn, gradients),
        tuple(chart for key in drawn for chart in _charts(key, weights[key], gradients.get(key))),
        (_table(weights, gradients),),
    )


def _by_layer(run: StoredRun, weights: dict[str, Array]) -> dict[str, Array]:
    """Return the parameters in the order of the layers, if the model can be built."""
    try:
        return {key: weights[key] for key in run.model().parameters()}
    except DeclnetError:
        return weights


def _gradients(run: StoredRun) -> dict[str, Array]:
    """Return the gradients on evenly spaced samples, or none if model or data is missing."""
    try:
        train = seen_data(run)["train"].dataset
        return run.gradients(even_positions(len(train), SAMPLES))
    except DeclnetError:
        return {}


def _charts(key: str, weights: Array, gradient: Array | None) -> list[Chart]:
    charts = [histogram_chart(key, weights.reshape(-1), "values", small=0)]
    if gradient is not None:
        charts.append(histogram_chart(key, gradient.reshape(-1), "gradient", small=1))
    return charts


def _note(weights: Mapping[str, Array], drawn: list[str], gradients: Mapping[str, Array]) -> str:
    note = "The distribution of the values of each parameter."
    if len(drawn) < len(weights):
        note += f" Of {len(weights)} parameters, {len(drawn)} are drawn; the table has all."
    if gradients:
        note += f" Gradients are computed with the final model on up to {SAMPLES} training samples."
    return note


def _table(weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> ResultTable:
    rows = []
    for key, values in weights.items():
        numbers = (float(f(values)) if values.size else None for f in _STATISTICS.values())
        row = (key, format_shape(values.shape), *numbers)
        if gradients:
            gradient = gradients.get(key, np.array(math.nan))
            row = (*row, math.sqrt(np.mean(np.square(gradient, dtype=float))))
        rows.append(row)
    columns = ("parameter", "shape", *_STATISTICS, *(["gradient (RMS)"] if gradients else []))
    return ResultTable(
        "Parameters", columns, tuple(rows), kinds=dict.fromkeys(columns[2:], "number")
    )
