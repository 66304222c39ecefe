"""F1: the harmonic mean of precision and recall."""

from declnet import Array
from declnet_standard.metrics.confusion import ConfusionMetric, quotient


class F1(ConfusionMetric):
    """f1 = 2 * right predictions of a class / (predictions of it + samples of it).

    It is the harmonic mean of precision and recall, 2 * p * r / (p + r). y_pred: (n, 1) with y of 0
    and 1, (n,) or (n, 1): the F1 of class 1; or (n, classes) with labels (n,) or one-hot rows: the
    average over the classes. With neither predictions nor samples it is 0.

    The same as scikit-learn's f1_score with zero_division=0: macro averages the F1 of the classes.
    """

    type = "f1"
    examples = ({}, {"average": "micro"}, {"average": "weighted"})

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return 2 * right / (predicted + actual)."""
        return quotient(2 * right, predicted + actual)
