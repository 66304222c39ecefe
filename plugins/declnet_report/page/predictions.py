"""The section of a run's predictions, by task."""

from __future__ import annotations

import numpy as np

from declnet import DeclnetError, StoredRun
from declnet_report.page.class_predictions import class_figures
from declnet_report.page.content import Chart, PredictionSection
from declnet_report.page.regression import regression_charts
from declnet_report.page.run_data import Predictions, predictions_of, reason_of
from declnet_report.page.surfaces import value_curve, value_surface


def prediction_section(run: StoredRun) -> PredictionSection:
    """Return charts and tables of a run's predictions, or why there are none."""
    try:
        predictions = predictions_of(run)
    except DeclnetError as error:
        return _left_out(reason_of(error))
    if not np.isfinite(predictions.y_pred).all():
        return _left_out("some of the predictions are not finite numbers")
    sort = predictions.predictor.reading.sort
    if sort != "classes" and predictions.y.size != predictions.y_pred.size:
        return PredictionSection(f"{predictions.note} There are no figures for such targets.")
    return _value_figures(predictions) if sort == "values" else class_figures(predictions)


def _value_figures(predictions: Predictions) -> PredictionSection:
    """Return charts of predictions and residuals and, for one or two inputs, the function."""
    x, predictor = predictions.x, predictions.predictor
    input_shape = predictor.model.input_shape
    true = predictions.y.reshape(len(x), -1)
    predicted = predictions.y_pred.reshape(len(x), -1)
    charts: list[Chart] = []
    if true.shape[1] == 1 and input_shape == (1,):
        charts.append(value_curve(predictor, x, true[:, 0], predictions.input_names()[0]))
    elif true.shape[1] == 1 and input_shape == (2,):
        charts.append(value_surface(predictor, x, true[:, 0], predictions.input_names()))
    charts += regression_charts(true.astype(float), predicted.astype(float))
    return PredictionSection(predictions.note, tuple(charts))


def _left_out(reason: str) -> PredictionSection:
    return PredictionSection(f"Figures that need predictions are left out: {reason}.")
