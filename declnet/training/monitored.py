"""The metrics that callbacks need from epochs that are not logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback
from declnet.spec.heads import VALIDATION, Head
from declnet.training.metrics import NamedMetric, losses_of, metrics_of


@dataclass(frozen=True)
class Monitored:
    """The metrics that callbacks need from epochs that are not logged.

    Attributes:
        every_epoch: whether any callback is called after them at all.
        training: the metrics of the training data; None if not even the loss is needed.
        validation: the same for the validation data.
    """

    every_epoch: bool
    training: tuple[NamedMetric, ...] | None
    validation: tuple[NamedMetric, ...] | None

    @classmethod
    def of(cls, callbacks: Sequence[Callback], heads: Sequence[Head]) -> Monitored:
        """Return what these callbacks need."""
        names: set[str] = set()
        follows = False
        for callback in callbacks:
            monitored = verified(Callback.monitors, callback)
            names.update(monitored)
            wants_all = type(callback).monitors is Callback.monitors
            after_epoch = type(callback).after_epoch is not Callback.after_epoch
            trained = type(callback).epoch_trained is not Callback.epoch_trained
            follows = follows or trained or (after_epoch and (wants_all or bool(monitored)))
        validation = {
            name.removeprefix(VALIDATION) for name in names if name.startswith(VALIDATION)
        }
        return cls(follows, _among(heads, names), _among(heads, validation))


def selecting_callbacks(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks that select the epoch; none if they ignore the validation data."""
    selecting = [callback for callback in callbacks if callback.selects_epoch]
    for callback in selecting:
        monitored = verified(Callback.monitors, callback)
        follows_all = type(callback).monitors is Callback.monitors
        if follows_all or any(name.startswith(VALIDATION) for name in monitored):
            return selecting
    return []


def _among(heads: Sequence[Head], names: set[str]) -> tuple[NamedMetric, ...] | None:
    """Return the metrics with these names; None if there are none and no loss is named."""
    metrics = tuple(metric for metric in metrics_of(heads) if metric.label in names)
    return metrics if metrics or names & set(losses_of(heads)) else None
