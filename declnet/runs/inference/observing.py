"""References for a model's predictions: the best constant, and the classes that occur."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import inf, prod

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.metric import Metric
from declnet.contracts.returned import verified
from declnet.display.words import counted
from declnet.runs.inference.predictions import OutputReading
from declnet.runs.storage.documents import Baseline
from declnet.spec.heads import Head

MOST_STREAMED = 2**23
"""Maximum number of elements of targets that are kept of data larger than memory, for its
baseline."""

SHARES = "always the shares of the classes"
"""The prediction of classes that is best for metrics of probabilities."""

MOST_VALUES = 64
"""Maximum number of values of a target that has a baseline; images and the like are not kept."""

References = Mapping[str, Mapping[str, Array]]
"""Other forecasts, as in `Dataset.references`."""


class Observed:
    """Targets and predicted classes over the batches of a data set.

    Args:
        most: the most numbers of targets that are kept; with more, there is no baseline.

    Attributes:
        true: number of samples of each class, (classes,); zeros if there are no classes.
        predicted: number of predictions of each class, (classes,).
    """

    def __init__(self, reading: OutputReading, most: float = inf) -> None:
        self._reading, self._left = reading, most
        self._y: list[Array] = []
        self._like: Array = np.zeros((0, 0))
        size = len(reading.classes) if reading.classes is not None else 0
        self.true: Array = np.zeros(size, np.int64)
        self.predicted: Array = np.zeros(size, np.int64)

    def add(self, y_pred: Array, y: Array, reading: OutputReading | None = None) -> None:
        """Add a batch.

        Args:
            y_pred: the predictions.
            y: as metrics take it.
            reading: how to interpret this batch, if its threshold is another one.
        """
        self._like = y_pred[:0]
        self._left -= y.size
        if self._left >= 0:
            self._y.append(y)
        else:
            self._y.clear()
        size = len(self.true)
        if size:
            self.true = self.true + _counts(self._reading.true_labels(y), size)
            self.predicted = self.predicted + _counts(
                (reading or self._reading).labels(y_pred), size
            )

    def constant(self, kind: str | None = None) -> tuple[str, Array] | None:
        """Return the best constant prediction, described and as metrics take it, or None.

        Args:
            kind: for which metrics, as `Metric.best_constant`.
        """
        reading, shape = self._reading, self._like.shape[1:]
        if not self._y or prod(self._y[0].shape[1:]) > MOST_VALUES:
            return None
        has_shares = kind == "shares" and not reading.scores
        if reading.task == "classes":
            return self._constant_class(has_shares=has_shares)
        count = sum(map(len, self._y))
        if sum(y.size for y in self._y) != count * prod(shape):
            return None
        if reading.task == "values" and kind == "median":
            center = np.median(np.concatenate([y.reshape(len(y), -1) for y in self._y]), axis=0)
            return self._constant_number("median", center)
        mean = sum(y.reshape(len(y), -1).sum(axis=0, dtype=float) for y in self._y) / count
        if reading.task == "values":
            return self._constant_number("mean", mean)
        return (SHARES, mean.reshape(shape)) if has_shares else self._constant_units(mean > 0.5)

    def _constant_class(self, *, has_shares: bool) -> tuple[str, Array]:
        if has_shares:
            return SHARES, self.true / max(1, self.true.sum())
        most, outputs = int(self.true.argmax()), np.zeros(self._like.shape[1:])
        outputs[most] = 1
        return f'always "{(self._reading.class_names or ())[most]}"', outputs

    def _constant_number(self, statistic: str, center: Array) -> tuple[str, Array]:
        number = float(center[0])
        shown = f"{number:,.0f}" if 1e4 <= abs(number) < 1e7 else f"{number:.4g}"
        value = f", {shown}" if center.size == 1 else ""
        return f"always the {statistic}{value}", center.reshape(self._like.shape[1:])

    def _constant_units(self, positive: Array) -> tuple[str, Array]:
        """Return the more frequent class of each binary unit."""
        reading, outputs = self._reading, positive.astype(float)
        if reading.scores:
            outputs = np.asarray(reading.threshold) + 2 * outputs - 1
        outputs = outputs.reshape(self._like.shape[1:])
        if reading.task == "flags":
            return "always the more frequent", outputs
        return f'always "{(reading.class_names or ())[int(positive[0])]}"', outputs

    def compare(self, predictions: Array, update: Callable[[Array, Array], None]) -> None:
        """Call `update` with the predictions of each batch, and its y.

        Args:
            predictions: (n, *shape) for all samples, as metrics take them.
        """
        start = 0
        for y in self._y:
            update(predictions[start : start + len(y)].astype(self._like.dtype), y)
            start += len(y)

    def compare_constant(
        self, update: Callable[[Array, Array], None], kind: str | None = None
    ) -> None:
        """Call `update` with the best constant prediction of each batch, and its y."""
        constant = self.constant(kind)
        if constant is not None:
            count, shape = sum(map(len, self._y)), self._like.shape[1:]
            self.compare(np.broadcast_to(constant[1], (count, *shape)), update)

    def baseline(self, metrics: Collection[Metric]) -> Baseline | None:
        """Return the metrics of the best constant prediction, if there is one."""
        constant = self.constant()
        if constant is None:
            return None
        values, others = {}, {}
        for metric in metrics:
            value = _metric_of(metric, partial(self.compare_constant, kind=metric.best_constant))
            if value is None:
                continue
            values[metric.label] = value
            best = self.constant(metric.best_constant)
            if best is not None and best[0] != constant[0]:
                others[metric.label] = best[0]
        return Baseline(constant[0], values, others)

    def references(self, head: Head, forecasts: References) -> dict[str, Baseline]:
        """Return the metrics of other predictions of the same samples, by their description.

        Args:
            head: the loss, whose metrics are computed.
            forecasts: as `Dataset.references`; those in another shape than the model's predictions
                are left out.
        """
        count, shape = sum(map(len, self._y)), self._like.shape[1:]
        references = {}
        for description, of_targets in forecasts.items():
            name = head.target_among(of_targets)
            outputs = of_targets[name] if name is not None else None
            if outputs is not None and count and outputs.size == count * prod(shape):
                compare = partial(self.compare, outputs.reshape(count, *shape))
                values = {m.label: _metric_of(m, compare) for m in head.metrics.values()}
                known = {label: value for label, value in values.items() if value is not None}
                references[description] = Baseline(description, known)
        return references


def _metric_of(
    metric: Metric, compare: Callable[[Callable[[Array, Array], None]], None]
) -> float | None:
    """Return a metric of what `compare` calls its argument with; None if it fails."""
    state = metric.start()
    try:
        with np.errstate(all="ignore"):
            compare(partial(metric.update, state))
            return verified(Metric.result, metric, state)
    except Exception:  # e.g. a correlation, which constants lack
        return None


def joined_references(
    heads: Sequence[Head], references: Sequence[Mapping[str, Baseline]]
) -> tuple[Baseline, ...]:
    """Return the references of all losses, those with the same description as one."""
    described = dict.fromkeys(name for of_head in references for name in of_head)
    joined = []
    for name in described:
        metrics = {
            head.label(label): value
            for head, of_head in zip(heads, references, strict=True)
            if name in of_head
            for label, value in of_head[name].metrics.items()
        }
        joined.append(Baseline(name, metrics))
    return tuple(joined)


def joined_parts_of(references: Sequence[References]) -> References:
    """Return the references of all parts as one; none unless all parts have the same."""
    first, *others = references
    if any(other.keys() != first.keys() for other in others):
        return {}
    return {
        description: {
            name: np.concatenate([part[description][name] for part in references])
            for name in of_targets
        }
        for description, of_targets in first.items()
    }


def joined_baseline(heads: Sequence[Head], baselines: Sequence[Baseline | None]) -> Baseline | None:
    """Return the baselines of all losses as one, by the history's names; None if there is none."""
    known = [
        (head, baseline)
        for head, baseline in zip(heads, baselines, strict=True)
        if baseline is not None
    ]
    if not known:
        return None
    described = [f"{head.name}: {baseline.prediction}" for head, baseline in known]
    named = {
        head.label(name): value
        for head, baseline in known
        for name, value in baseline.metrics.items()
    }
    others = {
        head.label(name): prediction
        for head, baseline in known
        for name, prediction in baseline.others.items()
    }
    prediction = "; ".join(described) if len(heads) > 1 else known[0][1].prediction
    return Baseline(prediction, named, others)


def never_predicted(true: Array, predicted: Array, names: Sequence[str] | None) -> str | None:
    """Return a warning about classes that occur but are never predicted, or None.

    Args:
        true: number of samples of each class, (classes,).
        predicted: number of predictions of each class, (classes,).
        names: the classes' names.
    """
    missing = np.flatnonzero((true > 0) & (predicted == 0))
    if names is None or not missing.size:
        return None
    share = f"{true[missing].sum()} of {counted(int(true.sum()), 'sample')}"
    if len(missing) == 1:
        return f'the model never predicts the class "{names[missing[0]]}" ({share})'
    first = ", ".join(f'"{names[index]}"' for index in missing[:3]) + ", …" * (len(missing) > 3)
    return f"the model never predicts {len(missing)} of {len(names)} classes: {first} ({share})"


def _counts(labels: Array, size: int) -> Array:
    counts: Array = np.bincount(labels[(labels >= 0) & (labels < size)], minlength=size)
    return counts
