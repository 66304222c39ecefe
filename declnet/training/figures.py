"""Collects the loss and the metrics of a data set that passes in batches."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.components.arrays import Array
from declnet.components.metric import Metric


class Figures:
    """Running sums over batches; each batch counts by its samples."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = [(metric, metric.start()) for metric in metrics]
        self._samples = 0
        self._data_loss = 0.0
        self._regularization_loss = 0.0

    def add(self, y_pred: Array, y: Array, data_loss: float, regularization_loss: float) -> None:
        """Adds a batch.

        Args:
            y_pred: predictions.
            y: targets as the user gave them.
            data_loss: the batch's mean.
            regularization_loss: of the parameters that gave the predictions.
        """
        count = len(y)
        self._samples += count
        self._data_loss += count * data_loss
        self._regularization_loss += count * regularization_loss
        for metric, state in self._metrics:
            metric.update(state, y_pred, y)

    def result(self) -> dict[str, float]:
        """`loss`, `data_loss`, `regularization_loss`, and each metric by its name."""
        data_loss = self._data_loss / self._samples
        regularization_loss = self._regularization_loss / self._samples
        return {
            "loss": data_loss + regularization_loss,
            "data_loss": data_loss,
            "regularization_loss": regularization_loss,
            **{metric.label: float(metric.result(state)) for metric, state in self._metrics},
        }
