"""ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array, ResultTable, format_cell
from declnet_plugins.report.page.charts import even_positions, line_point, lines_spec
from declnet_plugins.report.page.content import Chart

MOST_CURVES = 8
POINTS = 150
"""Maximum number of points in a curve."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Both curves, with a point for each threshold, strictest first.

    Attributes:
        false_positive_rate: from 0.
        true_positive_rate: from 0; also the recall.
        precision: 1 at the first point, where nothing is predicted.
        roc_area: the area under the ROC curve, by the trapezoidal rule.
        average_precision: the sum of precision times the step in recall.
    """

    false_positive_rate: Array
    true_positive_rate: Array
    precision: Array
    roc_area: float
    average_precision: float


def rank(scores: Array, positive: Array) -> Ranking | None:
    """Rank samples by score; return None unless there are positive and negative samples.

    Args:
        scores: (n,), higher means more likely positive; equal scores count as one threshold.
        positive: (n,) booleans.

    Source: Fawcett, An introduction to ROC analysis, 2006, algorithms 1 and 2.
    """
    positives = int(np.count_nonzero(positive))
    if positives in (0, len(positive)):
        return None
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], positive[order]
    last_of_equals = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    true_positives = np.concatenate([[0], np.cumsum(hits)[last_of_equals]])
    predicted = np.concatenate([[0], last_of_equals + 1])
    false_rate = (predicted - true_positives) / (len(positive) - positives)
    true_rate = true_positives / positives
    precision = np.divide(
        true_positives, predicted, out=np.ones(len(predicted)), where=predicted > 0
    )
    area = float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))
    average = float(np.sum(np.diff(true_rate) * precision[1:]))
    return Ranking(false_rate, true_rate, precision, area, average)


def ranking_charts(names: Sequence[str], rankings: Sequence[Ranking | None]) -> tuple[Chart, ...]:
    """Return both charts; none if no class can be ranked.

    Args:
        names: of the classes.
        rankings: the ranking of each class, or None.
    """
    known = [
        (name, ranking)
        for name, ranking in zip(names, rankings, strict=True)
        if ranking is not None
    ]
    if not known:
        return ()
    drawn = sorted(known, key=lambda pair: pair[1].roc_area)[:MOST_CURVES]
    drawn = [pair for pair in known if pair in drawn]
    note = "" if len(drawn) == len(known) else f"The {len(drawn)} classes with the smallest area."
    columns = ("class", "ROC area", "average precision")
    table = ResultTable(
        "Areas under the curves by class",
        columns,
        tuple((name, ranking.roc_area, ranking.average_precision) for name, ranking in known),
        kinds=dict.fromkeys(columns[1:], "number"),
    )
    areas = ", ".join(f"{name} {ranking.roc_area:.3f}" for name, ranking in drawn)
    means = ", ".join(f"{name} {ranking.average_precision:.3f}" for name, ranking in drawn)
    roc = Chart(
        "ROC curve",
        f"Receiver operating characteristic, true against false positive rate. Areas: {areas}.",
        _spec(drawn, ("false positive rate", "true positive rate"), diagonal=True),
        table,
        note or "One class against the rest; the dotted line is chance.",
    )
    precision = Chart(
        "Precision and recall",
        f"Precision against recall. Average precisions: {means}.",
        _spec(drawn, ("recall", "precision")),
        table,
        note or "One class against the rest.",
    )
    return roc, precision


def _spec(
    drawn: Sequence[tuple[str, Ranking]], axes: tuple[str, str], *, diagonal: bool = False
) -> dict[str, Any]:
    names = [name for name, _ in drawn]
    points = [point for name, ranking in drawn for point in _points(name, ranking, axes)]
    return lines_spec(points, names, axes, [("series", "class")], unit=True, diagonal=diagonal)


def _points(name: str, ranking: Ranking, axes: tuple[str, str]) -> list[dict[str, Any]]:
    values = {
        "false positive rate": ranking.false_positive_rate,
        "true positive rate": ranking.true_positive_rate,
        "recall": ranking.true_positive_rate,
        "precision": ranking.precision,
    }
    x, y = (np.asarray(values[axis]) for axis in axes)
    corners = _corners(x, y)
    corners = corners[even_positions(len(corners), POINTS)]
    pairs = zip(x[corners].tolist(), y[corners].tolist(), strict=True)
    return [
        line_point(name, (round(across, 5), round(up, 5)), (format_cell(across), format_cell(up)))
        for across, up in pairs
    ]


def _corners(x: Array, y: Array) -> Array:
    """Return a curve's ends and turning points; collinear points add nothing."""
    if len(x) < 3:
        return np.arange(len(x))
    cross = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]
    return np.concatenate([[0], np.flatnonzero(np.abs(cross) > 1e-12) + 1, [len(x) - 1]])
