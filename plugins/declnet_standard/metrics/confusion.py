"""Confusion counts, the basis of precision, recall and f1."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import no_binary_labels, several_axes
from declnet_standard.metrics.labels import whole_labels


@dataclass
class Confusion:
    """Counts over the samples so far.

    Attributes:
        counts: rows of correct predictions, predictions and samples by class: (3, classes).
        binary: whether the classes are 0 and 1 and only 1 is of interest.
    """

    counts: Array | None = None
    binary: bool = False


class ConfusionMetric(Metric):
    """A ratio of counts per class, averaged over the classes; subclasses define the ratio.

    A model with one output predicts 1 above `threshold`, else 0, and the ratio is for class 1. With
    several outputs, each is a class: the largest is predicted, and the ratios of the classes are
    averaged. The ratio of a class whose denominator is 0 is 0.
    """

    better = "higher"

    average: Literal["macro", "micro", "weighted"] = Field(
        default="macro",
        description="of several classes: their mean (macro), weighed by their samples (weighted), "
        "or the ratio of their sums (micro); classes that never occur do not count",
    )
    threshold: float = Field(
        default=0.5, description="one output above it says 1; 0 for scores such as those of hinge"
    )

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return the ratio of each class."""
        raise NotImplementedError

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require one axis of classes, or one unit for labels of 0 and 1."""
        yield from several_axes(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> Confusion:
        """Return empty counts."""
        return Confusion()

    def update(self, state: Confusion, y_pred: Array, y_true: Array) -> None:
        """Count a batch."""
        state.binary = prod(y_pred.shape[1:]) == 1
        if state.binary:
            classes, guesses = 2, (y_pred.reshape(-1) > self.threshold).astype(np.intp)
        elif y_pred.ndim == 2:
            classes, guesses = y_pred.shape[1], y_pred.argmax(axis=1)
        else:
            raise ValueError(f"{self.type} needs outputs of one axis, not {y_pred.shape[1:]}")
        labels = whole_labels(y_true, classes)
        counted = (labels[guesses == labels], guesses, labels)
        counts = np.stack([np.bincount(each, minlength=classes) for each in counted])
        state.counts = counts if state.counts is None else state.counts + counts

    def result(self, state: Confusion) -> float:
        """Return the ratio of class 1, or the average."""
        if state.counts is None:
            return 0.0
        if self.average == "micro" and not state.binary:
            return float(self.ratio(*state.counts.sum(axis=1)))
        ratios = self.ratio(*state.counts)
        if state.binary:
            return float(ratios[1])
        _, predicted, actual = state.counts
        weights = actual if self.average == "weighted" else predicted + actual > 0
        return float(np.average(ratios, weights=weights))


def quotient(numerator: Array, denominator: Array) -> Array:
    """Return numerator / denominator of counts, 0 where both are 0."""
    quotients: Array = numerator / np.maximum(denominator, 1)
    return quotients
