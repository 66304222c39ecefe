"""Class labels from targets as given by the user."""

import numpy as np

from declnet import Array


def labels_of(y_true: Array) -> Array:
    """Return the labels (n,) of labels (n,) or (n, 1), or of one-hot rows (n, classes)."""
    one_hot = y_true.ndim == 2 and y_true.shape[1] > 1
    labels: Array = y_true.argmax(axis=1) if one_hot else y_true.reshape(-1)
    return labels


def whole_labels(y_true: Array, classes: int) -> Array:
    """Return the result of `labels_of` as integers for counting.

    Raises:
        ValueError: a label is not a whole number from 0 to classes - 1.
    """
    given = labels_of(y_true)
    labels = given.astype(np.intp)
    wrong = (labels != given) | (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(f"y has {given[wrong][0]}, but labels are 0 to {classes - 1}")
    return labels
