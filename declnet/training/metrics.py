"""The metrics of a run: their names, which values are better, and their accumulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.loss import Loss
from declnet.contracts.metric import Better, Metric
from declnet.contracts.returned import checked_predictions, checked_result
from declnet.contracts.serialization import NotPlainError, from_plain, to_plain

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The metrics that every run has: the loss and its parts."""

VALIDATION = "validation_"
"""Prefix of validation metrics in the history."""

Watch = Callable[[Array, Array], None]
"""Called with a batch's predictions, which will be overwritten, and its y as passed by the user."""


def directions(metrics: Iterable[Metric]) -> dict[str, Better | None]:
    """Return the better direction of the loss, its parts and each metric, by name."""
    own = {metric.label: metric.better for metric in metrics}
    return {**dict.fromkeys(LOSSES, "lower"), **own}


def history_metrics(metrics: Iterable[Metric], validated: bool) -> dict[str, Better | None]:
    """Return the metrics in a row of the history, each with its better direction."""
    own = directions(metrics)
    validation = {f"{VALIDATION}{name}": better for name, better in own.items() if validated}
    return {**own, "learning_rate": None, **validation}


class MetricAccumulator:
    """An accumulator of loss and metrics over batches, weighted by their number of samples.

    Args:
        loss: the run's loss, which turns the model's output into predictions.
        metrics: metrics to compute in addition to the loss and its parts.
        watch: called with each batch's predictions.
    """

    def __init__(self, loss: Loss, metrics: Sequence[Metric], watch: Watch | None = None) -> None:
        self._loss, self._watch = loss, watch
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
        """Add a batch.

        Args:
            y: targets as passed by the user.
            regularization_loss: the penalty of the parameters that produced the output.
            weight: weight of the batch in the data loss; default: its number of samples.
        """
        count = len(y)
        weight = count if weight is None else weight
        self._samples += count
        self._weight += weight
        self._data_loss += weight * data_loss
        self._regularization_loss += count * regularization_loss
        if self._metrics or self._watch is not None:
            predictions = checked_predictions(self._loss, self._loss.predictions(y_pred), y_pred)
            predictions, y = read_only(predictions), read_only(y)
            for metric, state in self._metrics:
                metric.update(state, predictions, y)
            if self._watch is not None:
                self._watch(predictions, y)

    def result(self) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss`, and each metric by its name."""
        data_loss = self._data_loss / self._weight
        regularization_loss = self._regularization_loss / self._samples
        return {
            "loss": data_loss + regularization_loss,
            "data_loss": data_loss,
            "regularization_loss": regularization_loss,
            **{
                metric.label: checked_result(metric, metric.result(state))
                for metric, state in self._metrics
            },
        }

    def state(self) -> dict[str, Any] | None:
        """Return the state as plain values; None if a metric's state cannot be written."""
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
    def restored(
        cls, loss: Loss, metrics: Sequence[Metric], state: Mapping[str, Any]
    ) -> MetricAccumulator:
        """Restore an accumulator from its state.

        Raises:
            NotPlainError: the state belongs to other metrics.
        """
        accumulator, states = cls(loss, metrics), state["metrics"]
        (
            accumulator._samples,
            accumulator._weight,
            accumulator._data_loss,
            accumulator._regularization_loss,
        ) = state["sums"]
        if list(states) != [metric.label for metric in metrics]:
            raise NotPlainError(f"the metrics were {', '.join(states) or 'none'}")
        accumulator._metrics = [
            (metric, from_plain(saved["plain"], saved["arrays"], metric.start()))
            for metric, saved in zip(metrics, states.values(), strict=True)
        ]
        return accumulator
