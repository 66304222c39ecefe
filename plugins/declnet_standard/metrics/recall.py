"""Recall: the share of a class's samples that are found."""

from declnet import Array
from declnet_standard.metrics.confusion import ConfusionMetric, quotient


class Recall(ConfusionMetric):
    """recall = right predictions of a class / samples of it.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1): the recall of class 1; or (n, classes) with
    labels (n,) or one-hot rows: the average over the classes. Without samples it is 0.

    The same as scikit-learn's recall_score with zero_division=0; the micro and the weighted average
    are the accuracy.
    """

    type = "recall"
    examples = ({}, {"average": "weighted"}, {"threshold": 0.2})

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return right / actual."""
        return quotient(right, actual)
