"""Metrics of predicted classes and of yes or no."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite, nan, prod
from typing import Literal

import numpy as np
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_plugins.standard.metrics.comparability import (
    no_binary_labels,
    no_classes,
    other_sizes,
    several_axes,
    several_units,
)
from declnet_plugins.standard.metrics.means import MeanMetric


def labels_of(y_true: Array) -> Array:
    """Return the labels (n,) of labels (n,) or (n, 1), or of one-hot rows (n, classes)."""
    one_hot = y_true.ndim == 2 and y_true.shape[1] > 1
    labels: Array = y_true.argmax(axis=1) if one_hot else y_true.reshape(-1)
    return labels


def whole_labels(y_true: Array, classes: int) -> Array:
    """Return the result of `labels_of` as integers for counting.

    Raises:
        ValueError: a label is not an integer from 0 to classes - 1.
    """
    raw = labels_of(y_true)
    labels = raw.astype(np.intp)
    wrong = (labels != raw) | (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(f"y has {raw[wrong][0]}, but labels are 0 to {classes - 1}")
    return labels


def predicted_labels(what: str, y_pred: Array, threshold: float) -> tuple[int, Array]:
    """Return the number of classes, and the label that each prediction says, (n,).

    Args:
        what: the metric's type, for messages.
        y_pred: (n, 1), where a number above the threshold says 1; or (n, classes), where the
            largest is the label.
        threshold: for one output.

    Raises:
        ValueError: the outputs have several axes.
    """
    if prod(y_pred.shape[1:]) == 1:
        return 2, (y_pred.reshape(-1) > threshold).astype(np.intp)
    if y_pred.ndim != 2:
        raise ValueError(f"{what} needs outputs of one axis, not {y_pred.shape[1:]}")
    return y_pred.shape[1], y_pred.argmax(axis=1)


class Accuracy(MeanMetric):
    """accuracy = mean(argmax(y_pred) == label), for labels (n,) or one-hot rows (n, classes)."""

    type = "accuracy"
    better = "higher"
    other_types = ("acc", "categorical_accuracy", "sparse_categorical_accuracy")
    abbreviation = "acc"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require an output of classes."""
        return no_classes(self, context)

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return whether the label of each sample is the most probable."""
        right: Array = y_pred.argmax(axis=1) == labels_of(y_true)
        return right


class BinaryAccuracy(MeanMetric):
    """binary_accuracy = mean((y_pred > threshold) == y), over all outputs of all samples.

    y_pred: probabilities, (n, outputs) or any shape; y: 0 and 1, of that shape, or (n,) for one
    output.

    The same as the book's (chapter 16) and Keras's BinaryAccuracy.
    """

    type = "binary_accuracy"
    better = "higher"
    examples = ({}, {"threshold": 0.0})

    threshold: float | tuple[float, ...] = Field(
        default=0.5,
        description="an output above it predicts 1; 0 for scores, e.g. with hinge; a list has "
        "one for each output",
    )

    @field_validator("threshold", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        """Refuse anything else once, where the union would refuse it as both."""
        for threshold in value if isinstance(value, list | tuple) else [value]:
            if (
                isinstance(threshold, bool)
                or not isinstance(threshold, int | float)
                or not isfinite(threshold)
            ):
                message = "must be a finite number, or a list of one for each output"
                raise PydanticCustomError("threshold", message)
        return value

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a label in y for each output, 0 or 1, and a threshold or one for each."""
        units = context.last.output_shape[-1:] if context.last is not None else ()
        if isinstance(self.threshold, tuple) and units and units != (len(self.threshold),):
            message = f"{len(self.threshold)} thresholds, but the model has {units[0]} outputs"
            yield Diagnostic(message, "write one for each", ("threshold",), "E044")
        yield from other_sizes(self, context)
        yield from no_binary_labels(self, context)

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return whether each output is on the side of the threshold that y says."""
        right: Array = (y_pred > self.threshold) == y_true.reshape(y_pred.shape)
        return right


class TopKAccuracy(MeanMetric):
    """top_k_accuracy = mean(fewer than k classes come before the right one).

    y_pred: (n, classes); y: labels (n,) or one-hot rows (n, classes). With k = 1 it is accuracy.

    Of equal predictions the first comes first, as in accuracy; scikit-learn's top_k_accuracy_score
    takes the last, Keras's TopKCategoricalAccuracy both. A prediction of NaN comes last.
    """

    type = "top_k_accuracy"
    better = "higher"
    examples = ({}, {"k": 2})
    example_shapes = (((8,), ()), ((8,), (8,)))

    k: int = Field(default=5, ge=1, description="number of classes that count as predicted")

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require more than k classes, as otherwise every prediction is right."""
        yield from no_classes(self, context)
        shape = context.last.output_shape if context.last is not None else ()
        if len(shape) == 1 and 1 < shape[0] <= self.k:
            message = f"with k = {self.k} of {shape[0]} classes every prediction counts as right"
            hint = f"k must be less than {shape[0]}"
            yield Diagnostic(message, hint, ("k",), "E044")

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return whether fewer than k classes come before; comparisons with NaN are false."""
        classes = y_pred.shape[1]
        labels = whole_labels(y_true, classes)[:, None]
        score = np.take_along_axis(y_pred, labels, axis=1)
        after = y_pred < score
        after |= (y_pred == score) & (np.arange(classes) > labels)
        right: Array = classes - 1 - np.count_nonzero(after, axis=1) < self.k
        return right


@dataclass
class Confusion:
    """Counts over the samples so far.

    Attributes:
        counts: rows of correct predictions, predictions and samples by class: (3, classes).
        binary: whether the classes are 0 and 1 and only 1 is of interest.
    """

    counts: Array | None = None
    binary: bool = False


class ConfusionMetric(Metric):
    """A ratio of counts per class, averaged over the classes; subclasses define the ratio.

    A model with one output predicts 1 above `threshold`, else 0, and the ratio is for class 1. With
    several outputs, each is a class: the largest is predicted, and the ratios of the classes are
    averaged. The ratio of a class whose denominator is 0 is 0.
    """

    better = "higher"

    average: Literal["macro", "micro", "weighted"] = Field(
        default="macro",
        description="average over several classes: their mean (macro), weighted by their samples "
        "(weighted), or the ratio of their sums (micro); classes that never occur do not count",
    )
    threshold: float = Field(
        default=0.5, description="an output above it predicts 1; 0 for scores, e.g. with hinge"
    )

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return the ratio of each class."""
        raise NotImplementedError

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require one axis of classes, or one unit for labels of 0 and 1."""
        yield from several_axes(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> Confusion:
        """Return empty counts."""
        return Confusion()

    def update(self, state: Confusion, y_pred: Array, y_true: Array) -> None:
        """Count a batch."""
        state.binary = prod(y_pred.shape[1:]) == 1
        classes, guesses = predicted_labels(self.type, y_pred, self.threshold)
        labels = whole_labels(y_true, classes)
        counted = (labels[guesses == labels], guesses, labels)
        counts = np.stack([np.bincount(labels, minlength=classes) for labels in counted])
        state.counts = counts if state.counts is None else state.counts + counts

    def result(self, state: Confusion) -> float:
        """Return the ratio of class 1, or the average."""
        if state.counts is None:
            return nan
        if self.average == "micro" and not state.binary:
            return float(self.ratio(*state.counts.sum(axis=1)))
        ratios = self.ratio(*state.counts)
        if state.binary:
            return float(ratios[1])
        _, predicted, actual = state.counts
        weights = actual if self.average == "weighted" else predicted + actual > 0
        return float(np.average(ratios, weights=weights))


def quotient(numerator: Array, denominator: Array) -> Array:
    """Return numerator / denominator of counts, 0 where both are 0."""
    quotients: Array = numerator / np.maximum(denominator, 1)
    return quotients


class Precision(ConfusionMetric):
    """precision = right predictions of a class / predictions of it.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1): the precision of class 1; or (n, classes) with
    labels (n,) or one-hot rows: the average over the classes. Without predictions it is 0.

    The same as scikit-learn's precision_score with zero_division=0.
    """

    type = "precision"
    examples = ({}, {"average": "weighted"}, {"threshold": 0.8})

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return right / predicted."""
        return quotient(right, predicted)


class Recall(ConfusionMetric):
    """recall = right predictions of a class / samples of it.

    y_pred: (n, 1) with y of 0 and 1, (n,) or (n, 1): the recall of class 1; or (n, classes) with
    labels (n,) or one-hot rows: the average over the classes. Without samples it is 0.

    The same as scikit-learn's recall_score with zero_division=0; the micro and the weighted average
    are the accuracy.
    """

    type = "recall"
    examples = ({}, {"average": "weighted"}, {"threshold": 0.2})

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return right / actual."""
        return quotient(right, actual)


class F1(ConfusionMetric):
    """f1 = 2 * right predictions of a class / (predictions of it + samples of it).

    It is the harmonic mean of precision and recall, 2 * p * r / (p + r). y_pred: (n, 1) with y of 0
    and 1, (n,) or (n, 1): the F1 of class 1; or (n, classes) with labels (n,) or one-hot rows: the
    average over the classes. With neither predictions nor samples it is 0.

    The same as scikit-learn's f1_score with zero_division=0: macro averages the F1 of the classes.
    """

    type = "f1"
    examples = ({}, {"average": "micro"}, {"average": "weighted"})
    other_types = ("f1_score",)

    def ratio(self, right: Array, predicted: Array, actual: Array) -> Array:
        """Return 2 * right / (predicted + actual)."""
        return quotient(2 * right, predicted + actual)


@dataclass
class Scores:
    """The predictions so far, batch by batch, for samples of 1 and of 0."""

    ones: list[Array] = field(default_factory=list)
    zeros: list[Array] = field(default_factory=list)


class RankingMetric(Metric):
    """A metric of the order of the predictions, for one output and y of 0 and 1.

    It is exact, ties included: predictions are kept until the result, one float per sample, and
    sorted. With one class only, or a prediction of NaN, it is NaN, which history and metrics.json
    show as null.
    """

    better = "higher"

    def value(self, ones: Array, zeros: Array) -> float:
        """Return the metric for the ascending predictions of the samples of 1 and of 0."""
        raise NotImplementedError

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require an output of one unit, for labels of 0 and 1."""
        yield from several_units(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> Scores:
        """Return no predictions."""
        return Scores()

    def update(self, state: Scores, y_pred: Array, y_true: Array) -> None:
        """Keep a copy of a batch's predictions."""
        if prod(y_pred.shape[1:]) != 1:
            raise ValueError(f"{self.type} needs one output, not {y_pred.shape[1:]}")
        scores, ones = y_pred.reshape(-1), whole_labels(y_true, 2) == 1
        state.ones.append(scores[ones])
        state.zeros.append(scores[~ones])

    def result(self, state: Scores) -> float:
        """Sort the predictions and return the metric."""
        scores = ([np.empty(0), *batches] for batches in (state.ones, state.zeros))
        ones, zeros = map(np.sort, map(np.concatenate, scores))
        if not ones.size or not zeros.size or np.isnan(ones[-1]) or np.isnan(zeros[-1]):
            return nan  # NaN sorts last
        return self.value(ones, zeros)


class RocAuc(RankingMetric):
    """roc_auc = P(a sample of 1 is predicted above a sample of 0) + P(they are equal) / 2.

    y_pred: probabilities or scores, (n, 1); y: 0 and 1, (n,) or (n, 1). It is exact, ties included:
    predictions are kept until the result, one float per sample, and sorted.

    Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, 1982. The same as
    scikit-learn's roc_auc_score; Keras's AUC approximates it. With one class only, or a prediction
    of NaN, it is NaN, which history and metrics.json show as null.
    """

    type = "roc_auc"
    other_types = ("auc", "auroc", "roc_auc_score")

    def value(self, ones: Array, zeros: Array) -> float:
        """Count, for each sample of 1, the samples of 0 below it and those not above it."""
        below = zeros.searchsorted(ones, "left").sum()
        not_above = zeros.searchsorted(ones, "right").sum()
        return float(below + not_above) / (2 * ones.size * zeros.size)


class AveragePrecision(RankingMetric):
    """average_precision = the mean over the samples of 1 of the precision at their own prediction.

    The precision at a prediction is the share of 1 among the samples predicted at least as high.
    y_pred: probabilities or scores, (n, 1); y: 0 and 1, (n,) or (n, 1). A random order has the
    share of 1, so it tells more than roc_auc where 1 is rare. Ties are exact: predictions are kept
    until the result.

    The same as scikit-learn's average_precision_score, the area under the steps of the curve of
    precision and recall. With one class only, or a prediction of NaN, it is NaN.
    """

    type = "average_precision"

    def value(self, ones: Array, zeros: Array) -> float:
        """Count, for each sample of 1, the samples of 1 and of 0 that are not below it."""
        right = ones.size - ones.searchsorted(ones, "left")
        wrong = zeros.size - zeros.searchsorted(ones, "left")
        return float(np.mean(right / (right + wrong)))
