"""Figures of predicted values."""

from __future__ import annotations

from declnet.report.page.charts.regression import regression_charts
from declnet.report.page.charts.value_curve import value_curve
from declnet.report.page.charts.value_surface import value_surface
from declnet.report.page.content import Chart, PredictionFigures
from declnet.report.page.predictions.samples import Predictions


def value_figures(predictions: Predictions) -> PredictionFigures:
    """Predicted against true values and residuals; of one or two inputs, the function itself."""
    x, model = predictions.x, predictions.predictor.model
    true = predictions.y.reshape(len(x), -1)
    predicted = predictions.y_pred.reshape(len(x), -1)
    charts: list[Chart] = []
    if true.shape[1] == 1 and model.input_shape == (1,):
        charts.append(value_curve(model, x, true[:, 0], predictions.input_names()[0]))
    elif true.shape[1] == 1 and model.input_shape == (2,):
        charts.append(value_surface(model, x, true[:, 0], predictions.input_names()))
    charts += regression_charts(true.astype(float), predicted.astype(float))
    return PredictionFigures(predictions.note, tuple(charts))
