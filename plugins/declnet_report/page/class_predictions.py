"""Charts and tables for predicted classes and binary outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from declnet import Array, ConfusionMatrix
from declnet_report.page.content import Chart, ConfusionTable, PredictionSection, Table
from declnet_report.page.formatting import ABSENT, format_number, format_score
from declnet_report.page.ranking import Ranking, rank, ranking_charts
from declnet_report.page.run_data import Predictions
from declnet_report.page.surfaces import class_surface

MOST_CLASSES = 30
"""Most classes in a confusion matrix; with more, the most confused pairs are listed."""
MOST_PAIRS = 15


def class_figures(predictions: Predictions) -> PredictionSection:
    """Return the charts and tables of classes; several binary outputs get a row each."""
    reading = predictions.predictor.reading
    scores = predictions.y_pred.reshape(len(predictions.x), -1)
    true, predicted = reading.true_labels(predictions.y), reading.labels(predictions.y_pred)
    if reading.sort == "flags":
        return _by_output(predictions, true, predicted, scores)
    names = list(reading.class_names or ())
    if reading.sort == "binary":
        rankings = [None, rank(scores[:, 0], true == 1)]
    else:
        rankings = [rank(scores[:, index], true == index) for index in range(len(names))]
    matrix = ConfusionMatrix.of(true, predicted, len(names))
    right, total = int(matrix.counts.trace()), len(true)
    share = f"{100 * right / total:.1f} %"
    note = f"{predictions.note} {format_number(right)} of them ({share}) are predicted rightly."
    charts: list[Chart] = []
    if predictions.predictor.model.input_shape == (2,):
        charts.append(
            class_surface(
                predictions.predictor,
                predictions.x,
                true,
                predicted,
                names,
                predictions.input_names(),
                reading.threshold,
            )
        )
    charts += ranking_charts(names, rankings)
    tables = [_by_class(matrix, names, rankings)]
    if len(names) > MOST_CLASSES:
        tables.append(_most_confused(matrix.counts, names))
        return PredictionSection(note, tuple(charts), None, tuple(tables))
    return PredictionSection(note, tuple(charts), _confusion(matrix.counts, names), tuple(tables))


def _by_output(
    predictions: Predictions, true: Array, predicted: Array, scores: Array
) -> PredictionSection:
    """Return curves and scores of several binary outputs, (n, outputs) each."""
    names = [f"output {index + 1}" for index in range(scores.shape[1])]
    rankings = [rank(scores[:, index], true[:, index] == 1) for index in range(len(names))]
    rows = []
    for index, name in enumerate(names):
        matrix = ConfusionMatrix.of(true[:, index], predicted[:, index], 2)
        rows.append((name, *_scores(matrix, 1), format_number(int(matrix.support[1]))))
    columns = ("output", "precision", "recall", "F1", "support")
    table = Table("Figures by output", columns, tuple(rows))
    return PredictionSection(predictions.note, ranking_charts(names, rankings), None, (table,))


def _by_class(
    matrix: ConfusionMatrix, names: Sequence[str], rankings: Sequence[Ranking | None]
) -> Table:
    """Return precision, recall, F1, ROC AUC and number of samples of each class."""
    rows = [
        (
            name,
            *_scores(matrix, index),
            format_score(ranking.roc_area) if ranking is not None else ABSENT,
            format_number(int(matrix.support[index])),
        )
        for index, (name, ranking) in enumerate(zip(names, rankings, strict=True))
    ]
    columns = ("class", "precision", "recall", "F1", "ROC area", "support")
    return Table("Figures by class", columns, tuple(rows))


def _scores(matrix: ConfusionMatrix, index: int) -> list[str]:
    return [format_score(each[index]) for each in (matrix.precision, matrix.recall, matrix.f1)]


def _confusion(counts: Array, names: Sequence[str]) -> ConfusionTable:
    """Return counts and their shares of the true class."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = tuple(
        tuple((int(count), float(share)) for count, share in zip(row, parts, strict=True))
        for row, parts in zip(counts, shares, strict=True)
    )
    return ConfusionTable(tuple(names), rows)


def _most_confused(counts: Array, names: Sequence[str]) -> Table:
    """Return the most often confused pairs of classes, where a matrix would be too large."""
    columns = ("true class", "predicted class", "samples")
    return Table("Most often confused", columns, tuple(_worst(counts, names)))


def _worst(counts: Array, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    wrong = counts * (1 - np.eye(len(names), dtype=counts.dtype))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]:
        true, predicted = divmod(int(place), len(names))
        if wrong[true, predicted]:
            yield names[true], names[predicted], format_number(int(wrong[true, predicted]))
