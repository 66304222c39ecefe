"""Figures of predicted classes."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.components.arrays import Array
from declnet.report.page.charts.class_surface import class_surface
from declnet.report.page.charts.ranking import ranking_charts
from declnet.report.page.content import Chart, PredictionFigures
from declnet.report.page.numbers import shown_number
from declnet.report.page.predictions.class_tables import by_class, confusion_matrix, most_confused
from declnet.report.page.predictions.samples import Predictions
from declnet.report.page.statistics.classification import class_labels, confusion_counts
from declnet.report.page.statistics.ranking import Ranking, rank

MOST_CLASSES = 30
"""Of a confusion matrix that can still be read."""


@dataclass(frozen=True, eq=False)
class Classified:
    """True and predicted labels, (n,), and how well each class can be told from the rest.

    Attributes:
        threshold: above which a single output says 1.
    """

    true: Array
    predicted: Array
    names: list[str]
    rankings: list[Ranking | None]
    threshold: float = 0.5


def class_prediction_figures(predictions: Predictions) -> PredictionFigures:
    """The figures of a model with an output for each class."""
    true, scores = class_labels(predictions.y), predictions.y_pred
    names = list(predictions.predictor.class_names or ())
    rankings = [rank(scores[:, index], true == index) for index in range(len(names))]
    classified = Classified(true, scores.argmax(axis=1), names, rankings)
    return classified_figures(predictions, classified)


def classified_figures(predictions: Predictions, classified: Classified) -> PredictionFigures:
    """Confusion matrix, figures by class, curves, and of two inputs the decision surface."""
    names, rankings = classified.names, classified.rankings
    counts = confusion_counts(classified.true, classified.predicted, len(names))
    right, total = int(counts.trace()), len(classified.true)
    share = f"{100 * right / total:.1f} %"
    note = f"{predictions.note} {shown_number(right)} of them ({share}) are predicted rightly."
    charts: list[Chart] = []
    if predictions.predictor.model.input_shape == (2,):
        charts.append(
            class_surface(
                predictions.predictor.model,
                predictions.x,
                classified.true,
                classified.predicted,
                names,
                predictions.input_names(),
                classified.threshold,
            )
        )
    charts += ranking_charts(names, rankings)
    if len(names) <= MOST_CLASSES:
        matrix, tables = confusion_matrix(counts, names), [by_class(counts, names, rankings)]
    else:
        matrix, tables = None, [by_class(counts, names, rankings), most_confused(counts, names)]
    return PredictionFigures(note, tuple(charts), matrix, tuple(tables))
