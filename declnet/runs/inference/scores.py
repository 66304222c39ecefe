"""Scores by class and errors of values, counted batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.directions import Better
from declnet.display.displayed import Displayed
from declnet.runs.inference.predictions import OutputReading


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Displayed):
    """Counts of predicted by true class, and the scores derived from them.

    Attributes:
        counts: (true class, predicted class).
    """

    counts: Array

    def displayed(self) -> Iterable[object]:
        """Return the counts as a table; the classes have their numbers."""
        from declnet.runs.display.result_tables import confusion_table

        return (confusion_table(self.counts, [*map(str, range(len(self.counts)))]),)

    @classmethod
    def counted(cls, true: Array, predicted: Array, classes: int) -> ConfusionMatrix:
        """Return the counts of labels (n,) from 0 to classes - 1."""
        counts = np.bincount(true * classes + predicted, minlength=classes * classes)
        return cls(counts.reshape(classes, classes))

    @cached_property
    def support(self) -> Array:
        """Number of samples of each class, (classes,)."""
        samples: Array = self.counts.sum(axis=1)
        return samples

    @cached_property
    def precision(self) -> Array:
        """Fraction of predictions of each class that are correct, (classes,); 0 without any."""
        scores: Array = self.counts.diagonal() / np.maximum(self.counts.sum(axis=0), 1)
        return scores

    @cached_property
    def recall(self) -> Array:
        """Fraction of samples of each class predicted correctly, (classes,); 0 without any."""
        scores: Array = self.counts.diagonal() / np.maximum(self.support, 1)
        return scores

    @cached_property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall, (classes,); 0 where both are 0."""
        both = self.counts.sum(axis=0) + self.support
        scores: Array = 2 * self.counts.diagonal() / np.maximum(both, 1)
        return scores


class ClassCounts:
    """An accumulating confusion matrix, or one per output for several binary outputs.

    Attributes:
        counts: (true class, predicted class); (outputs, 2, 2) for several outputs.
    """

    def __init__(self, reading: OutputReading) -> None:
        self._reading = reading
        size = len(reading.classes) if reading.classes is not None else 2
        several = (reading.outputs,) if reading.task == "flags" else ()
        self.counts: Array = np.zeros((*several, size, size), np.int64)

    def add(self, y_pred: Array, y: Array, reading: OutputReading | None = None) -> None:
        """Count a batch of predictions; arguments as for `Observed.add`."""
        true, predicted = self._reading.true_labels(y), (reading or self._reading).labels(y_pred)
        if self._reading.task == "flags":
            for index in range(len(self.counts)):
                matrix = ConfusionMatrix.counted(true[:, index], predicted[:, index], 2)
                self.counts[index] += matrix.counts
        else:
            self.counts += ConfusionMatrix.counted(true, predicted, len(self.counts)).counts


class ValueErrors:
    """Accumulator for r2, the mean absolute error and the root mean squared error.

    Of predictions that are several numbers about one, such as its quantiles, there are none.
    """

    better: ClassVar[dict[str, Better]] = {
        "r2": "higher",
        "mean_absolute_error": "lower",
        "root_mean_squared_error": "lower",
    }
    """The errors, and which values of each are better."""

    def __init__(self) -> None:
        self._count = 0
        self._comparable = True
        self._squares: Array = np.zeros(1)
        self._sizes: Array = np.zeros(1)
        self._mean: Array = np.zeros(1)
        self._spread: Array = np.zeros(1)

    def add(self, y_pred: Array, y: Array) -> None:
        """Add a batch of (n, …) predictions and targets.

        The variance of y is merged as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise
        Algorithm for Computing Sample Variances, 1979, which stays accurate for a large mean.
        """
        self._comparable = self._comparable and y_pred.size == y.size
        if not self._comparable:
            return
        count = len(y)
        predicted = y_pred.reshape(count, -1).astype(float)
        true = y.reshape(count, -1).astype(float)
        errors = predicted - true
        self._squares = self._squares + np.square(errors).sum(axis=0)
        self._sizes = self._sizes + np.abs(errors).sum(axis=0)
        mean = true.mean(axis=0)
        apart, total = mean - self._mean, self._count + count
        within = np.square(true - mean).sum(axis=0)
        between = np.square(apart) * (self._count * count / total)
        self._spread = self._spread + within + between
        self._mean = self._mean + apart * (count / total)
        self._count = total

    def result(self) -> dict[str, float]:
        """Return `r2` (the mean over outputs), `mean_absolute_error`, `root_mean_squared_error`.

        They are left out if predictions and targets have not equally many numbers per sample.
        """
        if not self._comparable:
            return {}
        constant = self._spread == 0
        share = self._squares / np.where(constant, 1, self._spread)
        share = np.where(constant, self._squares != 0, share)
        return {
            "r2": float(np.mean(1 - share)),
            "mean_absolute_error": float(np.mean(self._sizes) / self._count),
            "root_mean_squared_error": float(np.sqrt(np.mean(self._squares) / self._count)),
        }
