"""Chooses the data set to look at, and the figures by the sort of task."""

from __future__ import annotations

import numpy as np

from declnet.components.attribution import attributing_errors
from declnet.errors import DeclnetError
from declnet.registry.registry import Registry
from declnet.report.page.content import PredictionFigures
from declnet.report.page.model_of_run import LoadedRun
from declnet.report.page.predictions.answers import answer_figures
from declnet.report.page.predictions.classes import class_prediction_figures
from declnet.report.page.predictions.samples import Predictions, predict_on
from declnet.report.page.predictions.values import value_figures

SETS = ("test", "validation", "train")
"""Of which the first that a run has is looked at."""


def prediction_figures(loaded: LoadedRun, registry: Registry) -> PredictionFigures:
    """The figures of the first data set that there is, or why there are none."""
    predictor = loaded.predictor
    if predictor is None or not loaded.data:
        return _none(loaded.missing)
    name = next(each for each in SETS if each in loaded.data)
    try:
        with attributing_errors(registry), np.errstate(all="ignore"):
            predictions = predict_on(predictor, loaded.data[name], name)
    except DeclnetError as error:
        return _none(str(error))
    if not np.isfinite(predictions.y_pred).all():
        return _none("some of the predictions are not finite numbers")
    return _by_task(predictions)


def _by_task(predictions: Predictions) -> PredictionFigures:
    sort = predictions.predictor.reading.sort
    if sort == "classes":
        return class_prediction_figures(predictions)
    if predictions.y.size != predictions.y_pred.size:
        return PredictionFigures(f"{predictions.note} There are no figures for such targets.")
    return value_figures(predictions) if sort == "values" else answer_figures(predictions)


def _none(reason: str) -> PredictionFigures:
    return PredictionFigures(f"Figures that need predictions are left out: {reason}.")
