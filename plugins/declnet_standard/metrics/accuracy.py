"""The share of samples whose most probable class is the right one."""

from collections.abc import Iterator

import numpy as np

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import no_classes
from declnet_standard.metrics.labels import labels_of


class Accuracy(Metric):
    """accuracy = mean(argmax(y_pred) == label), for labels (n,) or one-hot rows (n, classes)."""

    type = "accuracy"
    better = "higher"
    abbreviation = "acc"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require an output of classes."""
        return no_classes(self, context)

    def start(self) -> list[int]:
        """Return [right, all]."""
        return [0, 0]

    def update(self, state: list[int], y_pred: Array, y_true: Array) -> None:
        """Count a batch."""
        labels = labels_of(y_true)
        state[0] += int(np.count_nonzero(y_pred.argmax(axis=1) == labels))
        state[1] += len(labels)

    def result(self, state: list[int]) -> float:
        """Return right / all."""
        return state[0] / state[1]
