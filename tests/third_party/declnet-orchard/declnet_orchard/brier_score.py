"""A metric that is better the lower it is."""

import numpy as np

from declnet import Array, Metric


class BrierScore(Metric):
    """The mean over samples and outputs of (y_pred - y_true)**2; y_true is 0 or 1."""

    type = "brier_score"
    better = "lower"
    abbreviation = "brier"
    example_shapes = ((1,), (2,))

    def start(self) -> list[float]:
        """[sum of squares, numbers]."""
        return [0.0, 0.0]

    def update(self, state: list[float], y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        difference = y_pred - y_true.reshape(y_pred.shape)
        state[0] += float(np.sum(difference * difference))
        state[1] += y_pred.size

    def result(self, state: list[float]) -> float:
        """sum of squares / numbers."""
        return state[0] / state[1]
