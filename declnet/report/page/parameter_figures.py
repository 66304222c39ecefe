"""Histograms of a run's weights, and of their gradients where they can be had."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from declnet.components.arrays import Array
from declnet.errors import DeclnetError
from declnet.graph.weights import read_weights
from declnet.registry.registry import Registry
from declnet.report.page.charts.histogram import small_histogram
from declnet.report.page.content import Chart, ParameterFigures, Table
from declnet.report.page.gradients import SAMPLES, parameter_gradients
from declnet.report.page.model_of_run import LoadedRun
from declnet.report.page.numbers import shown_number, shown_shape
from declnet.runs import folder
from declnet.runs.reading import StoredRun

MOST_CHARTS = 16
"""Parameters with a histogram; the table has all of them."""
FEWEST = 8
"""Numbers that a histogram says more of than the table."""


def parameter_figures(run: StoredRun, loaded: LoadedRun, registry: Registry) -> ParameterFigures:
    """The distributions of all parameters, or why there are none."""
    path = run.directory / folder.WEIGHTS
    if not path.is_file():
        return ParameterFigures("The run left no weights.")
    try:
        weights = read_weights(path)
    except DeclnetError as error:
        return ParameterFigures(f"The weights cannot be read: {error}.")
    if not weights:
        return ParameterFigures("The network has no parameters.")
    if loaded.predictor is not None:  # in the order of the layers
        weights = {slot.key: weights[slot.key] for slot in loaded.predictor.model.store.slots}
    gradients = parameter_gradients(loaded, registry)
    largest = sorted(weights, key=lambda key: weights[key].size, reverse=True)[:MOST_CHARTS]
    drawn = [key for key in weights if key in largest and weights[key].size >= FEWEST]
    return ParameterFigures(
        _note(weights, drawn, gradients),
        tuple(chart for key in drawn for chart in _charts(key, weights[key], gradients.get(key))),
        _table(weights, gradients),
    )


def _charts(key: str, weights: Array, gradient: Array | None) -> list[Chart]:
    charts = [small_histogram(key, weights.reshape(-1), "values", 0)]
    if gradient is not None:
        charts.append(small_histogram(key, gradient.reshape(-1), "gradient", 1))
    return charts


def _note(weights: Mapping[str, Array], drawn: list[str], gradients: Mapping[str, Array]) -> str:
    note = "How the values of each parameter are spread."
    if len(drawn) < len(weights):
        note += f" Of {len(weights)} parameters, {len(drawn)} are drawn; the table has all."
    if gradients:
        note += f" Gradients are those of the finished model on up to {SAMPLES} training samples."
    return note


def _table(weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> Table:
    rows = []
    for key, values in weights.items():
        numbers = (
            float(f(values)) if values.size else None for f in (np.mean, np.std, np.min, np.max)
        )
        gradient = gradients.get(key)
        size = (
            float(np.sqrt(np.mean(np.square(gradient, dtype=float))))
            if gradient is not None
            else None
        )
        rows.append(
            (key, shown_shape(values.shape), *map(shown_number, numbers), shown_number(size))
        )
    columns = ("parameter", "shape", "mean", "deviation", "least", "greatest", "gradient (RMS)")
    if not gradients:
        return Table("Parameters", columns[:-1], tuple(row[:-1] for row in rows))
    return Table("Parameters", columns, tuple(rows))
