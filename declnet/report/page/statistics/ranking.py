"""ROC and precision-recall curves: how well scores tell one class from the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array


@dataclass(frozen=True, eq=False)
class Ranking:
    """Both curves, a point for each threshold, from the strictest to the most lenient.

    Attributes:
        false_positive_rate: from 0.
        true_positive_rate: from 0; also the recall.
        precision: 1 at the first point, where nothing is predicted.
        roc_area: under the ROC curve, by trapezoids.
        average_precision: the sum of precision times the step in recall.
    """

    false_positive_rate: Array
    true_positive_rate: Array
    precision: Array
    roc_area: float
    average_precision: float


def rank(scores: Array, positive: Array) -> Ranking | None:
    """Ranks samples by their score; None if all are positive or none is.

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
