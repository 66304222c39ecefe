"""Counts of right and wrong classes, batch by batch."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.statistics.classification import class_labels, confusion_counts
from declnet.runs.predictions import OutputReading


class ClassCounts:
    """A confusion matrix that grows; of several yes-or-no outputs, one for each of them.

    Args:
        reading: how the model's predictions are read.

    Attributes:
        counts: (true class, predicted class); of several outputs (outputs, 2, 2).
    """

    def __init__(self, reading: OutputReading) -> None:
        self._reading = reading
        size = len(reading.classes) if reading.classes is not None else 2
        several = (reading.outputs,) if reading.sort == "flags" else ()
        self.counts: Array = np.zeros((*several, size, size), np.int64)

    def add(self, y_pred: Array, y: Array) -> None:
        """Count a batch of predictions."""
        predicted = self._reading.labels(y_pred)
        if self._reading.sort == "flags":
            true = (y.reshape(len(y), -1) > 0.5).astype(np.intp)
            for index in range(len(self.counts)):
                self.counts[index] += confusion_counts(true[:, index], predicted[:, index], 2)
            return
        self.counts += confusion_counts(class_labels(y), predicted, len(self.counts))
