"""Metrics that are means over all samples, and the samples of metrics that need all together."""

from dataclasses import dataclass, field
from math import nan

import numpy as np

from declnet import Array, Metric


@dataclass
class Samples:
    """The predictions and y so far, batch by batch."""

    y_pred: list[Array] = field(default_factory=list)
    y_true: list[Array] = field(default_factory=list)


class MeanMetric(Metric):
    """The mean of `values`, numbers or booleans, which subclasses compute for each batch."""

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return the values to average, of any shape."""
        raise NotImplementedError

    def start(self) -> list[float]:
        """Return [sum, count]."""
        return [0, 0]

    def update(self, state: list[float], y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        values = self.values(y_pred, y_true)
        is_boolean = values.dtype.kind == "b"  # counting is faster than summing
        state[0] += int(np.count_nonzero(values)) if is_boolean else values.sum().item()
        state[1] += values.size

    def leaving_out(self, y_pred: Array, y_true: Array, part_of: Array) -> Array:
        """Add up the values of each part, and the sums of all other parts."""
        values = self.values(y_pred, y_true)
        if len(values) != len(y_pred):
            return super().leaving_out(y_pred, y_true, part_of)
        of_samples = values.reshape(len(values), -1)
        sums = np.bincount(part_of, of_samples.sum(axis=1, dtype=np.float64))
        of_others = np.where(np.eye(len(sums), dtype=bool), 0, sums).sum(axis=1)
        counts = (len(values) - np.bincount(part_of)) * of_samples.shape[1]
        states = zip(of_others.tolist(), counts.tolist(), strict=True)
        return np.array([self.result([*state]) for state in states])

    def result(self, state: list[float]) -> float:
        """Return sum / count."""
        return state[0] / state[1] if state[1] else nan
