"""One training step on a batch, as a straight list of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array

Call = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Step:
    """The calls of one training step on n samples, and the arrays that they fill.

    Attributes:
        calls: forward, loss, backward and regularizers' gradients, in order.
        y_pred: predictions, (n, *output shape), right until the next step.
        losses: the data loss of each sample, (n,).
    """

    calls: tuple[Call, ...]
    y_pred: Array
    losses: Array

    def run(self) -> float:
        """Executes the calls; returns the mean data loss."""
        for call in self.calls:
            call()
        return float(np.add.reduce(self.losses)) / len(self.losses)

    def weight(self) -> float:
        """How much the batch counts: its number of samples."""
        return float(len(self.losses))


@dataclass(frozen=True, eq=False)
class WeightedStep(Step):
    """A step whose samples do not all count alike.

    Attributes:
        weights: of the samples of the batch, (n,), in the model's type.
        normalized_weights: w / sum(w), (n,); filled by a call.
    """

    weights: Array
    normalized_weights: Array

    def run(self) -> float:
        """Executes the calls; returns the mean data loss, sum(w * losses) / sum(w)."""
        for call in self.calls:
            call()
        return float(self.losses @ self.normalized_weights)

    def weight(self) -> float:
        """How much the batch counts: the sum of its weights."""
        return float(np.add.reduce(self.weights))


def fill_weights(weights: Array, normalized: Array) -> None:
    """Divide weights by their sum; all 0 if that is 0."""
    total = np.add.reduce(weights)
    np.divide(weights, total if total > 0 else 1, out=normalized)
