"""Metrics of agreement beyond chance between predicted and true classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan, sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_plugins.standard.metrics.classification import predicted_labels, whole_labels
from declnet_plugins.standard.metrics.comparability import (
    no_binary_labels,
    several_axes,
    several_choices,
)


@dataclass
class Counts:
    """The samples so far, by label and predicted label: (classes, classes)."""

    counts: Array | None = None


class AgreementMetric(Metric):
    """A number computed from the confusion matrix; subclasses say which.

    A model with one output predicts 1 above `threshold`, else 0; with several outputs, each is a
    class, and the largest is predicted.
    """

    better = "higher"

    threshold: float = Field(
        default=0.5, description="an output above it predicts 1; 0 for scores, e.g. with hinge"
    )

    def agreement(self, counts: Array) -> float:
        """Return the number for a confusion matrix: rows are labels, columns predictions."""
        raise NotImplementedError

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require one axis of classes, or one unit for labels of 0 and 1."""
        yield from several_axes(self, context)
        yield from several_choices(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> Counts:
        """Return an empty matrix."""
        return Counts()

    def update(self, state: Counts, y_pred: Array, y_true: Array) -> None:
        """Count a batch."""
        classes, guesses = predicted_labels(self.type, y_pred, self.threshold)
        cells = whole_labels(y_true, classes) * classes + guesses
        counts = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
        state.counts = counts if state.counts is None else state.counts + counts

    def result(self, state: Counts) -> float:
        """Return the agreement over all batches."""
        return nan if state.counts is None else self.agreement(state.counts)


class Matthews(AgreementMetric):
    """matthews = (c * n - sum_k p_k * t_k) / sqrt((n**2 - sum_k p_k**2) * (n**2 - sum_k t_k**2)).

    Of n samples, c are predicted right, t_k are of class k, and p_k are predicted to be. For two
    classes it is the correlation of label and prediction: 1 if all are right, 0 if they are
    unrelated, -1 if all are wrong. If only one class occurs or is predicted, it is 0.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1); or (n, classes) with labels (n,) or one-hot
    rows. The same as scikit-learn's matthews_corrcoef.

    Gorodkin, Comparing Two K-category Assignments by a K-category Correlation Coefficient, 2004.
    """

    type = "matthews"
    examples = ({}, {"threshold": 0.8})

    def agreement(self, counts: Array) -> float:
        """Compute in exact integers up to the root; n**4 would overflow 64 bits."""
        n, right = int(counts.sum()), int(counts.trace())
        actual, predicted = ([int(count) for count in counts.sum(axis=axis)] for axis in (1, 0))
        both = sum(p * t for p, t in zip(predicted, actual, strict=True))
        spreads = [n * n - sum(sum_**2 for sum_ in sums) for sums in (predicted, actual)]
        scale = sqrt(spreads[0]) * sqrt(spreads[1])
        return (right * n - both) / scale if scale else 0.0


class CohenKappa(AgreementMetric):
    """cohen_kappa = 1 - sum_ij w_ij * o_ij / sum_ij w_ij * e_ij, from the counts o of label i, j.

    o_ij samples of class i are predicted as j, and e_ij = t_i * p_j / n would be by chance, with
    t_i samples of class i and p_j predictions of j. The weight of an error w_ij is 1 for every
    error, or with `weights` its size |i - j| (linear) or its square (quadratic), for classes that
    are in order. 1 is perfect, 0 is chance; NaN if there is one class only, predicted and true.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1); or (n, classes) with labels (n,) or one-hot
    rows. The same as scikit-learn's cohen_kappa_score.

    Cohen, A Coefficient of Agreement for Nominal Scales, 1960; Weighted Kappa, 1968.
    """

    type = "cohen_kappa"
    examples = ({}, {"weights": "quadratic"})

    weights: Literal["linear", "quadratic"] | None = Field(
        default=None,
        description="for ordered classes: errors count by their distance (linear) or its square "
        "(quadratic); default: all equally",
    )

    def agreement(self, counts: Array) -> float:
        """Return 1 - disagreement / disagreement by chance."""
        labels = np.arange(len(counts))
        distances = np.absolute(labels[:, None] - labels)
        power = {None: 0, "linear": 1, "quadratic": 2}[self.weights]
        weights = np.where(distances > 0, distances**power, 0)
        chance = np.outer(counts.sum(axis=1), counts.sum(axis=0) / counts.sum())
        expected = float(np.sum(weights * chance))
        return 1 - float(np.sum(weights * counts)) / expected if expected else nan
