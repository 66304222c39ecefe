"""Tables of right and wrong classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.content import ConfusionMatrix, Table
from declnet.report.page.numbers import ABSENT, shown_number, three_places
from declnet.report.page.statistics.classification import class_figures
from declnet.report.page.statistics.ranking import Ranking

MOST_PAIRS = 15


def confusion_matrix(counts: Array, names: list[str]) -> ConfusionMatrix:
    """Counts and their shares of the true class."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = tuple(
        tuple((int(count), float(share)) for count, share in zip(row, parts, strict=True))
        for row, parts in zip(counts, shares, strict=True)
    )
    return ConfusionMatrix(tuple(names), rows)


def by_class(counts: Array, names: list[str], rankings: list[Ranking | None]) -> Table:
    """Precision, recall, F1, area under the ROC curve and number of samples of each class."""
    figures = class_figures(counts)
    rows = [
        (
            name,
            *(three_places(each[at]) for each in (figures.precision, figures.recall, figures.f1)),
            three_places(ranking.roc_area) if ranking is not None else ABSENT,
            shown_number(int(figures.support[at])),
        )
        for at, (name, ranking) in enumerate(zip(names, rankings, strict=True))
    ]
    columns = ("class", "precision", "recall", "F1", "ROC area", "support")
    return Table("Figures by class", columns, tuple(rows))


def most_confused(counts: Array, names: list[str]) -> Table:
    """The pairs of classes that were confused most often, where a matrix would be too large."""
    columns = ("true class", "predicted class", "samples")
    return Table("Most often confused", columns, tuple(_worst(counts, names)))


def _worst(counts: Array, names: list[str]) -> Iterator[tuple[str, str, str]]:
    wrong = counts * (1 - np.eye(len(names), dtype=counts.dtype))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]:
        true, predicted = divmod(int(place), len(names))
        if wrong[true, predicted]:
            yield names[true], names[predicted], shown_number(int(wrong[true, predicted]))
