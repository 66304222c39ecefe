"""The area under the curve of true positives against false positives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan, prod

import numpy as np

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import no_binary_labels, several_units
from declnet_standard.metrics.labels import whole_labels


@dataclass
class Scores:
    """The predictions so far, batch by batch, for samples of 1 and of 0."""

    ones: list[Array] = field(default_factory=list)
    zeros: list[Array] = field(default_factory=list)


class RocAuc(Metric):
    """roc_auc = P(a sample of 1 is predicted above a sample of 0) + P(they are equal) / 2.

    y_pred: probabilities or scores, (n, 1); y: 0 and 1, (n,) or (n, 1). It is exact, ties included:
    predictions are kept until the result, one float per sample, and sorted.

    Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, 1982. The same as
    scikit-learn's roc_auc_score; Keras's AUC approximates it. With one class only, or a prediction
    of NaN, it is NaN, which history and metrics.json show as null.
    """

    type = "roc_auc"
    better = "higher"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require an output of one unit, for labels of 0 and 1."""
        yield from several_units(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> Scores:
        """Return no predictions."""
        return Scores()

    def update(self, state: Scores, y_pred: Array, y_true: Array) -> None:
        """Keep a copy of a batch's predictions."""
        if prod(y_pred.shape[1:]) != 1:
            raise ValueError(f"roc_auc needs one output, not {y_pred.shape[1:]}")
        scores, ones = y_pred.reshape(-1), whole_labels(y_true, 2) == 1
        state.ones.append(scores[ones])
        state.zeros.append(scores[~ones])

    def result(self, state: Scores) -> float:
        """Count, for each sample of 1, the samples of 0 below it and those not above it."""
        ones, zeros = (np.sort(np.concatenate(each)) for each in (state.ones, state.zeros))
        if not ones.size or not zeros.size or np.isnan(ones[-1]) or np.isnan(zeros[-1]):
            return nan  # NaN sorts last
        below = zeros.searchsorted(ones, "left").sum()
        not_above = zeros.searchsorted(ones, "right").sum()
        return float(below + not_above) / (2 * ones.size * zeros.size)
