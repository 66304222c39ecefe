"""The metrics of a run: their names, which values are better, and their accumulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.network.directions import LOSSES, Better
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.returned import verified, verify
from declnet.contracts.runs.callback import Callback
from declnet.contracts.serialization import NotPlainError, from_plain, to_plain
from declnet.spec.heads import VALIDATION, Head, PartialHead

Watch = Callable[[Array, Array], None]
"""Called with a batch's predictions, which will be overwritten, and its y as passed by the user."""

Unscale = Callable[[Array], Array]
"""Turns predictions into the units of y as passed by the user."""


@dataclass(frozen=True)
class NamedMetric:
    """A metric of one of the losses.

    Attributes:
        label: what the history calls it.
        head: the position of the loss.
    """

    label: str
    metric: Metric
    head: int


def metrics_of(heads: Sequence[PartialHead]) -> tuple[NamedMetric, ...]:
    """Return the metrics of all losses, in order."""
    return tuple(
        NamedMetric(head.label(metric.label), metric, number)
        for number, head in enumerate(heads)
        for metric in head.metrics.values()
    )


def losses_of(heads: Sequence[PartialHead]) -> tuple[str, ...]:
    """Return what the history calls the loss, its parts, and each loss if they have names."""
    return (*LOSSES, *(head.label("loss") for head in heads if head.name))


def directions(heads: Sequence[PartialHead]) -> dict[str, Better | None]:
    """Return the better direction of the loss, its parts and each metric, by name."""
    betters = {metric.label: metric.metric.better for metric in metrics_of(heads)}
    return {**dict.fromkeys(losses_of(heads), "lower"), **betters}


def history_metrics(heads: Sequence[PartialHead], validated: bool) -> dict[str, Better | None]:
    """Return the metrics in a row of the history, each with its better direction."""
    betters = directions(heads)
    validation = {f"{VALIDATION}{name}": better for name, better in betters.items() if validated}
    return {**betters, "learning_rate": None, **validation}


def combined_losses(
    heads: Sequence[PartialHead], means: Sequence[Any], regularization_loss: float
) -> dict[str, Any]:
    """Return the loss, its parts, and each loss if they have names, by what the history calls them.

    Args:
        heads: the losses.
        means: the mean of each; several may be computed at once, in arrays.
        regularization_loss: the penalty.
    """
    pairs = list(zip(heads, means, strict=True))
    data_loss = sum(head.weight * mean for head, mean in pairs)
    return {
        "loss": data_loss + regularization_loss,
        "data_loss": data_loss,
        "regularization_loss": regularization_loss,
        **{head.label("loss"): mean for head, mean in pairs if head.name},
    }


class MetricAccumulator:
    """An accumulator of losses and metrics over batches, weighted by their number of samples.

    Args:
        heads: the run's losses, which turn the model's outputs into predictions.
        metrics: which metrics to compute; default: all metrics of the losses.
        watches: for each loss, called with each batch's predictions; default: none.
        unscale: for each loss with prepared targets, how to invert that; it may change between
            batches.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        metrics: Sequence[NamedMetric] | None = None,
        watches: Sequence[Watch] = (),
        unscale: Mapping[int, Unscale] = MappingProxyType({}),
    ) -> None:
        self._heads, self._watches, self.unscale = heads, watches, unscale
        chosen = metrics_of(heads) if metrics is None else metrics
        self._metrics = [(metric, metric.metric.start()) for metric in chosen]
        self._read = {metric.head for metric in chosen} | set(range(len(watches)))
        self._samples = 0
        self._weight = 0.0
        self._data_losses = [0.0] * len(heads)
        self._regularization_loss = 0.0

    def add(
        self,
        y_preds: Sequence[Array],
        ys: Sequence[Array],
        data_losses: Sequence[float],
        regularization_loss: float,
        weight: float | None = None,
    ) -> None:
        """Add a batch.

        Args:
            y_preds: the output that each loss takes.
            ys: the targets of each loss, as passed by the user.
            data_losses: the mean of each loss.
            regularization_loss: the penalty of the parameters that produced the output.
            weight: weight of the batch in the data loss; default: its number of samples.
        """
        count = len(ys[0])
        weight = count if weight is None else weight
        self._samples += count
        self._weight += weight
        for number, data_loss in enumerate(data_losses):
            self._data_losses[number] += weight * data_loss
        self._regularization_loss += count * regularization_loss
        for number in self._read:
            self._add_predictions(number, y_preds[number], read_only(ys[number]))

    def use(
        self, heads: Sequence[Head], unscale: Mapping[int, Unscale] = MappingProxyType({})
    ) -> None:
        """Compute the metrics of the batches that follow as others do, e.g. with other thresholds.

        Args:
            heads: the same losses with the same metrics.
            unscale: as for the accumulator.
        """
        self._heads, self.unscale = heads, unscale
        by_label = {metric.label: metric for metric in metrics_of(heads)}
        self._metrics = [(by_label[named.label], state) for named, state in self._metrics]

    @property
    def reads_predictions(self) -> bool:
        """Whether it needs more of a batch than its losses."""
        return bool(self._read)

    def add_losses(self, means: Sequence[Sequence[float]], count: int) -> None:
        """Add batches without weights and penalty by their losses alone.

        Args:
            means: for each loss, its mean in each batch.
            count: the number of samples in each of them.
        """
        self._samples += count * len(means[0])
        self._weight += float(count * len(means[0]))
        for number, losses in enumerate(means):
            for loss in losses:
                self._data_losses[number] += count * loss

    def _add_predictions(self, number: int, y_pred: Array, y: Array) -> None:
        loss = self._heads[number].loss
        predictions: Any = loss.predictions(y_pred)
        is_like = type(predictions) is type(y_pred) and predictions.shape == y_pred.shape
        if not is_like or predictions.dtype != y_pred.dtype:  # called at every step
            predictions = verify(Loss.predictions, loss, predictions, y_pred)
        if number in self.unscale:
            predictions = self.unscale[number](predictions)
        self.add_predictions(number, read_only(predictions), y)

    def add_predictions(self, number: int, predictions: Array, y: Array) -> None:
        """Add the predictions of a batch for one loss, without the loss itself.

        Args:
            number: the position of the loss.
            predictions: as metrics take them.
            y: the targets, as passed by the user.
        """
        for named, state in self._metrics:
            if named.head == number:
                named.metric.update(state, predictions, y)
        if self._watches:
            self._watches[number](predictions, y)

    def result(self) -> dict[str, float]:
        """Return `loss`, `data_loss`, `regularization_loss`, and each metric by its name.

        Without batches that had losses, there are only metrics.
        """
        losses = self._losses() if self._samples else {}
        metrics = {
            named.label: verified(Metric.result, named.metric, state)
            for named, state in self._metrics
        }
        return {**losses, **metrics}

    def _losses(self) -> dict[str, float]:
        means = [loss / self._weight for loss in self._data_losses]
        return combined_losses(self._heads, means, self._regularization_loss / self._samples)

    def state(self) -> dict[str, Any] | None:
        """Return the state as plain values; None if a metric's state cannot be written."""
        states: dict[str, Any] = {}
        for named, state in self._metrics:
            arrays: dict[str, Array] = {}
            try:
                plain = to_plain(state, arrays, named.label)
                from_plain(plain, arrays, named.metric.start())
            except NotPlainError:
                return None
            states[named.label] = {"plain": plain, "arrays": arrays}
        sums = [self._samples, self._weight, *self._data_losses, self._regularization_loss]
        return {"sums": sums, "metrics": states}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Continue from what `state` returned.

        Raises:
            NotPlainError: the state belongs to other metrics or losses.
        """
        states, sums = saved["metrics"], list(saved["sums"])
        if list(states) != [named.label for named, _ in self._metrics]:
            raise NotPlainError(f"the metrics were {', '.join(states) or 'none'}")
        if len(sums) != len(self._heads) + 3:
            raise NotPlainError(f"there were {len(sums) - 3} losses")
        self._samples, self._weight, *self._data_losses, self._regularization_loss = sums
        self._metrics = [
            (named, from_plain(state["plain"], state["arrays"], named.metric.start()))
            for (named, _), state in zip(self._metrics, states.values(), strict=True)
        ]


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
