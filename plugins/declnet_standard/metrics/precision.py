"""Precision: the share of positive predictions that are correct."""

from declnet import Array
from declnet_standard.metrics.confusion import ConfusionMetric, quotient


class Precision(ConfusionMetric):
    """precision = right predictions of a class / predictions of it.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1): the precision of class 1; or (n, classes) with
    labels (n,) or one-hot rows: the average over the classes. Without predictions it is 0.

    The same as scikit-learn's precision_score with zero_division=0.
    """

    type = "precision"
    examples = ({}, {"average": "weighted"}, {"threshold": 0.8})

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return right / predicted."""
        return quotient(right, predicted)
