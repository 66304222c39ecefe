"""The share of samples whose most probable class is the right one."""

import numpy as np

from declnet import Array, Metric


class Accuracy(Metric):
    """accuracy = mean(argmax(y_pred) == label), for labels (n,) or one-hot rows (n, classes)."""

    type = "accuracy"

    def start(self) -> list[int]:
        """[right, all]."""
        return [0, 0]

    def update(self, state: list[int], y_pred: Array, y_true: Array) -> None:
        """Counts a batch."""
        one_hot = y_true.ndim == 2 and y_true.shape[1] > 1
        labels = y_true.argmax(axis=1) if one_hot else y_true.reshape(-1)
        state[0] += int(np.count_nonzero(y_pred.argmax(axis=1) == labels))
        state[1] += len(labels)

    def result(self, state: list[int]) -> float:
        """Right / all."""
        return state[0] / state[1]
