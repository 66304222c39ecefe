"""Reliability of predictions: calibration of probabilities, coverage of intervals and sets.

Everything is accumulated over batches in constant memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.runs.inference.predictions import OutputReading

BINS = 15
"""Bins of probabilities, as in Guo et al., On Calibration of Modern Neural Networks, 2017."""


class Reliability:
    """The log loss of probabilities, and how often predictions of a probability are right.

    A sample of several classes counts by the largest of its probabilities, which is right if that
    is its class; a single unit by the probability of 1, which is right if y is 1; each of several
    units for yes or no counts like a sample of its own.

    Attributes:
        counts: the number of samples in each of `BINS` bins of probability of equal width, (bins,).
        right: how many of them are right.
        probability: the sums of their probabilities.
    """

    def __init__(self, reading: OutputReading) -> None:
        self._reading = reading
        self._log_loss = 0.0
        self.counts: Array = np.zeros(BINS)
        self.right: Array = np.zeros(BINS)
        self.probability: Array = np.zeros(BINS)

    def add(self, outputs: Array, y: Array) -> None:
        """Add a batch of probabilities (n, *shape), and y as metrics take it."""
        labels, eps = self._reading.true_labels(y), float(np.finfo(outputs.dtype).eps)
        p = outputs.reshape(len(outputs), -1).astype(float)
        if self._reading.task == "classes":
            top, right = p.max(axis=1), p.argmax(axis=1) == labels
            of_truth = p[np.arange(len(p)), labels]
        else:
            top, right = p.reshape(-1), labels.reshape(-1) == 1
            of_truth = np.where(right, top, 1 - top)
        self._log_loss -= float(np.log(np.clip(of_truth, eps, 1 - eps)).sum())
        places = np.linspace(0, 1, BINS + 1)[1:-1].searchsorted(top)
        self.counts += np.bincount(places, minlength=BINS)
        self.right += np.bincount(places, right, BINS)
        self.probability += np.bincount(places, top, BINS)

    @property
    def log_loss(self) -> float:
        """The mean of -log(p), with p the probability of the true class."""
        return self._log_loss / float(self.counts.sum())

    @property
    def expected_calibration_error(self) -> float:
        """The mean over the samples of the gap in their bin, |share of right ones - mean p|."""
        return float(np.abs(self.right - self.probability).sum() / self.counts.sum())

    def as_data(self) -> dict[str, float]:
        """Return the log loss and the expected calibration error by name."""
        return {
            "log_loss": self.log_loss,
            "expected_calibration_error": self.expected_calibration_error,
        }


class Coverage:
    """The share of targets that intervals or sets hold, and the mean size of these.

    Attributes:
        held: the number of targets within their interval or set.
        total: the number of targets.
        size: the sum of the widths of intervals, or of the numbers of classes in sets.
    """

    def __init__(self) -> None:
        self.held, self.total, self.size = 0, 0, 0.0

    def add_intervals(self, bounds: tuple[Array, Array], y: Array) -> None:
        """Add a batch of lower and upper bounds, and the targets."""
        lower, upper = (bound.astype(float) for bound in bounds)
        values = y.reshape(lower.shape)
        self.held += int(np.count_nonzero((lower <= values) & (values <= upper)))
        self.size += float((upper - lower).sum())
        self.total += lower.size

    def add_sets(self, sets: Array, labels: Array) -> None:
        """Add a batch of sets (n, classes), and the labels (n,)."""
        self.held += int(np.count_nonzero(sets[np.arange(len(sets)), labels]))
        self.size += int(np.count_nonzero(sets))
        self.total += len(sets)

    def as_data(self, size: str) -> dict[str, Any]:
        """Return the coverage, and the mean size by its name."""
        return {"coverage": self.held / self.total, size: self.size / self.total}
