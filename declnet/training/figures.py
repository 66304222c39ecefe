"""Collects the loss and the metrics of a data set that passes in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from declnet.components.arrays import Array
from declnet.components.metric import Metric
from declnet.components.plain import NotPlainError, from_plain, to_plain


class Figures:
    """Running sums over batches; each batch counts by its samples."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = [(metric, metric.start()) for metric in metrics]
        self._samples = 0
        self._weight = 0.0
        self._data_loss = 0.0
        self._regularization_loss = 0.0

    def add(
        self,
        y_pred: Array,
        y: Array,
        data_loss: float,
        regularization_loss: float,
        weight: float | None = None,
    ) -> None:
        """Adds a batch.

        Args:
            y_pred: predictions.
            y: targets as the user gave them.
            data_loss: the batch's mean.
            regularization_loss: of the parameters that gave the predictions.
            weight: how much the batch counts in the data loss; default: its number of samples.
        """
        count = len(y)
        weight = count if weight is None else weight
        self._samples += count
        self._weight += weight
        self._data_loss += weight * data_loss
        self._regularization_loss += count * regularization_loss
        for metric, state in self._metrics:
            metric.update(state, y_pred, y)

    def result(self) -> dict[str, float]:
        """`loss`, `data_loss`, `regularization_loss`, and each metric by its name."""
        data_loss = self._data_loss / self._weight
        regularization_loss = self._regularization_loss / self._samples
        return {
            "loss": data_loss + regularization_loss,
            "data_loss": data_loss,
            "regularization_loss": regularization_loss,
            **{metric.label: float(metric.result(state)) for metric, state in self._metrics},
        }

    def state(self) -> dict[str, Any] | None:
        """What was collected, as plain values; None if a metric's state is of another making."""
        states: dict[str, Any] = {}
        for metric, state in self._metrics:
            arrays: dict[str, Array] = {}
            try:
                plain = to_plain(state, arrays, metric.label)
                from_plain(plain, arrays, metric.start())
            except NotPlainError:
                return None
            states[metric.label] = {"plain": plain, "arrays": arrays}
        sums = [self._samples, self._weight, self._data_loss, self._regularization_loss]
        return {"sums": sums, "metrics": states}

    @classmethod
    def restored(cls, metrics: Sequence[Metric], state: Mapping[str, Any]) -> Figures:
        """What `state` gave, to be added to.

        Raises:
            NotPlainError: it is of other metrics.
        """
        figures, states = cls(metrics), state["metrics"]
        (
            figures._samples,
            figures._weight,
            figures._data_loss,
            figures._regularization_loss,
        ) = state["sums"]
        if list(states) != [metric.label for metric in metrics]:
            raise NotPlainError(f"the metrics were {', '.join(states) or 'none'}")
        figures._metrics = [
            (metric, from_plain(saved["plain"], saved["arrays"], metric.start()))
            for metric, saved in zip(metrics, states.values(), strict=True)
        ]
        return figures
