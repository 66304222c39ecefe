"""References for a model's predictions: the best constant, and the classes that occur."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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

MOST_VALUES = 64
"""Maximum number of values of a target that has a baseline; images and the like are not kept."""


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

    def constant(self) -> tuple[str, Array] | None:
        """Return the best constant prediction, described and as metrics take it, or None."""
        reading, shape = self._reading, self._like.shape[1:]
        if not self._y or prod(self._y[0].shape[1:]) > MOST_VALUES:
            return None
        if reading.task == "classes":
            most, outputs = int(self.true.argmax()), np.zeros(shape)
            outputs[most] = 1
            return f'always "{(reading.class_names or ())[most]}"', outputs
        count = sum(map(len, self._y))
        if sum(y.size for y in self._y) != count * prod(shape):
            return None
        mean = sum(y.reshape(len(y), -1).sum(axis=0, dtype=float) for y in self._y) / count
        if reading.task == "values":
            value = f", {float(mean[0]):.4g}" if prod(shape) == 1 else ""
            return f"always the mean{value}", mean.reshape(shape)
        outputs = (mean > 0.5).astype(float)
        if reading.scores:
            outputs = np.asarray(reading.threshold) + 2 * outputs - 1
        outputs = outputs.reshape(shape)
        if reading.task == "flags":
            return "always the more frequent", outputs
        return f'always "{(reading.class_names or ())[int(mean[0] > 0.5)]}"', outputs

    def compare_constant(self, update: Callable[[Array, Array], None]) -> None:
        """Call `update` with the best constant prediction of each batch, and its y."""
        constant = self.constant()
        if constant is None:
            return
        outputs = constant[1].astype(self._like.dtype)
        for y in self._y:
            update(np.repeat(outputs[None], len(y), axis=0), y)

    def baseline(self, metrics: Collection[Metric]) -> Baseline | None:
        """Return the metrics of the best constant prediction, if there is one."""
        constant = self.constant()
        if constant is None:
            return None
        values = {}
        for metric in metrics:
            state = metric.start()
            try:
                with np.errstate(all="ignore"):
                    self.compare_constant(partial(metric.update, state))
                    values[metric.label] = verified(Metric.result, metric, state)
            except Exception:  # noqa: S112  # e.g. a correlation, which constants lack
                continue
        return Baseline(constant[0], values)


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
    return Baseline("; ".join(described) if len(heads) > 1 else known[0][1].prediction, named)


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
