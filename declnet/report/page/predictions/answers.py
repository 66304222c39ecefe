"""Figures of answers of yes or no, by one output or several."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.charts.ranking import ranking_charts
from declnet.report.page.content import PredictionFigures, Table
from declnet.report.page.numbers import shown_number, three_places
from declnet.report.page.predictions.classes import Classified, classified_figures
from declnet.report.page.predictions.samples import Predictions
from declnet.report.page.statistics.classification import class_figures, confusion_counts
from declnet.report.page.statistics.ranking import rank


def answer_figures(predictions: Predictions) -> PredictionFigures:
    """Of one output, those of two classes; of several, a line for each."""
    scores = predictions.y_pred.reshape(len(predictions.x), -1)
    true = (predictions.y.reshape(len(scores), -1) > 0.5).astype(np.intp)
    threshold = predictions.predictor.reading.threshold
    predicted = (scores > threshold).astype(np.intp)
    rankings = [rank(scores[:, index], true[:, index] == 1) for index in range(scores.shape[1])]
    if scores.shape[1] == 1:
        names = list(predictions.predictor.class_names or ("0", "1"))
        both = [None, rankings[0]]
        classified = Classified(true[:, 0], predicted[:, 0], names, both, threshold)
        return classified_figures(predictions, classified)
    names = [f"output {index + 1}" for index in range(scores.shape[1])]
    table = _by_output(true, predicted, names)
    return PredictionFigures(predictions.note, ranking_charts(names, rankings), None, (table,))


def _by_output(true: Array, predicted: Array, names: list[str]) -> Table:
    rows = []
    for index, name in enumerate(names):
        figures = class_figures(confusion_counts(true[:, index], predicted[:, index], 2))
        cells = (three_places(each[1]) for each in (figures.precision, figures.recall, figures.f1))
        rows.append((name, *cells, shown_number(int(figures.support[1]))))
    columns = ("output", "precision", "recall", "F1", "support")
    return Table("Figures by output", columns, tuple(rows))
