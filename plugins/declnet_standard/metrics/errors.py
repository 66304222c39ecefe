"""Errors of predicted numbers."""

import numpy as np

from declnet import Array


def errors_of(y_pred: Array, y_true: Array) -> Array:
    """Return y_pred - y_true in float64, (n, outputs); y_true (n,) is accepted for one output."""
    errors: Array = np.subtract(y_pred, y_true.reshape(y_pred.shape), dtype=np.float64)
    return errors.reshape(len(errors), -1)
