"""Evaluates a run's model on data with known targets: scores by class, errors of values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data_source import Dataset
from declnet.contracts.returned import checked_targets
from declnet.contracts.table import Table
from declnet.data.files import naming
from declnet.data.loading import checked
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.predictions import OutputReading
from declnet.runs.predictor import Predictor, labeled_parts, samples_in_part
from declnet.training.evaluation import RunningEvaluation
from declnet.training.ready_data import ReadyData


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """How often each class was predicted for each, and the scores that follow from it.

    Attributes:
        counts: (true class, predicted class).
    """

    counts: Array

    @classmethod
    def of(cls, true: Array, predicted: Array, classes: int) -> ConfusionMatrix:
        """Return the counts of labels (n,) from 0 to classes - 1."""
        counts = np.bincount(true * classes + predicted, minlength=classes * classes)
        return cls(counts.reshape(classes, classes))

    @cached_property
    def support(self) -> Array:
        """The number of samples of each class, (classes,)."""
        samples: Array = self.counts.sum(axis=1)
        return samples

    @cached_property
    def precision(self) -> Array:
        """Right predictions of each class over its predictions, (classes,); 0 without any."""
        scores: Array = self.counts.diagonal() / np.maximum(self.counts.sum(axis=0), 1)
        return scores

    @cached_property
    def recall(self) -> Array:
        """Right predictions of each class over its samples, (classes,); 0 without any."""
        scores: Array = self.counts.diagonal() / np.maximum(self.support, 1)
        return scores

    @cached_property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall, (classes,); 0 where both are."""
        both = self.counts.sum(axis=0) + self.support
        scores: Array = 2 * self.counts.diagonal() / np.maximum(both, 1)
        return scores


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is on some data.

    Attributes:
        data: the data set's name, or the file's.
        samples: how many.
        metrics: the loss, its parts and the run's metrics.
        class_names: in the order of the counts; None for values.
        counts: (true class, predicted class); of several yes-or-no outputs (outputs, 2, 2); None
            for values.
        errors: r2 and the errors of values; None for classes.
    """

    data: str
    samples: int
    metrics: dict[str, float]
    class_names: tuple[str, ...] | None = None
    counts: Array | None = None
    errors: dict[str, float] | None = None

    def by_class(self) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of samples (support) of each class, if any.

        Of several yes-or-no outputs: of the answer yes of each.
        """
        if self.counts is None:
            return []
        if self.counts.ndim == 3:
            matrices = map(ConfusionMatrix, self.counts)
            return [_row(f"output {n}", each, 1) for n, each in enumerate(matrices, start=1)]
        matrix = ConfusionMatrix(self.counts)
        return [_row(name, matrix, index) for index, name in enumerate(self.class_names or ())]

    def as_data(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        data: dict[str, Any] = {
            "data": self.data,
            "samples": self.samples,
            "figures": self.metrics,
        }
        if self.errors is not None:
            data["errors"] = self.errors
        if self.counts is not None:
            if self.class_names is not None:
                data["class_names"] = list(self.class_names)
            data["confusion_matrix"] = self.counts.tolist()
            data["by_class"] = self.by_class()
        return data


def evaluate_parts(predictor: Predictor, parts: Iterable[Dataset], data: str) -> Evaluation:
    """Evaluate a model on data that comes in parts, in constant memory.

    Args:
        predictor: of the run.
        parts: prepared, with targets.
        data: what to call it.

    Raises:
        DataError: the data does not fit the model, or there is none.
    """
    model, spec, reading = predictor.model, predictor.spec, predictor.reading
    classes = reading.sort != "values"
    counts, errors = ClassCounts(reading), ValueErrors()
    watch = counts.add if classes else errors.add
    evaluation = RunningEvaluation(model, spec.loss, spec.training.metrics, watch)
    samples = 0
    for part in parts:
        evaluation.add(_ready(part, predictor, data))
        samples += len(part)
    if not samples:
        raise DataError(f"{data}: there are no samples")
    metrics = evaluation.result()
    if classes:
        return Evaluation(data, samples, metrics, reading.class_names, counts.counts)
    return Evaluation(data, samples, metrics, errors=errors.result())


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
        true, predicted = self._reading.true_labels(y), self._reading.labels(y_pred)
        if self._reading.sort == "flags":
            for index in range(len(self.counts)):
                matrix = ConfusionMatrix.of(true[:, index], predicted[:, index], 2)
                self.counts[index] += matrix.counts
        else:
            self.counts += ConfusionMatrix.of(true, predicted, len(self.counts)).counts


class ValueErrors:
    """Sums from which r2, the mean absolute and the root mean squared error follow."""

    def __init__(self) -> None:
        self._count = 0
        self._squares: Array = np.zeros(1)
        self._sizes: Array = np.zeros(1)
        self._mean: Array = np.zeros(1)
        self._spread: Array = np.zeros(1)

    def add(self, y_pred: Array, y: Array) -> None:
        """Add a batch; both (n, …) with as many numbers a sample.

        The spread of y is merged as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise
        Algorithm for Computing Sample Variances, 1979, which loses no digits to a large mean.
        """
        count = len(y)
        predicted = y_pred.reshape(count, -1).astype(float)
        true = y.reshape(count, -1).astype(float)
        errors = predicted - true
        self._squares = self._squares + np.square(errors).sum(axis=0)
        self._sizes = self._sizes + np.abs(errors).sum(axis=0)
        mean = true.mean(axis=0)
        apart, total = mean - self._mean, self._count + count
        within = np.square(true - mean).sum(axis=0)
        between = np.square(apart) * (self._count * count / total)
        self._spread = self._spread + within + between
        self._mean = self._mean + apart * (count / total)
        self._count = total

    def result(self) -> dict[str, float]:
        """Return `r2` (the mean over outputs), `mean_absolute_error`, `root_mean_squared_error`."""
        constant = self._spread == 0
        share = self._squares / np.where(constant, 1, self._spread)
        share = np.where(constant, self._squares != 0, share)
        return {
            "r2": float(np.mean(1 - share)),
            "mean_absolute_error": float(np.mean(self._sizes) / self._count),
            "root_mean_squared_error": float(np.sqrt(np.mean(self._squares) / self._count)),
        }


def _ready(part: Dataset, predictor: Predictor, data: str) -> ReadyData:
    model, loss = predictor.model, predictor.spec.loss
    try:
        y_true = loss.prepare(part.y, model.output_shape, model.dtype)
    except ValueError as error:
        raise DataError(f"{data}: {error}") from None
    y_true = checked_targets(loss, y_true, len(part.y))
    weights = None if part.weights is None else part.weights.astype(model.dtype)
    return ReadyData(model.as_input(part.x), part.y, y_true, "", weights)


def _row(name: str, matrix: ConfusionMatrix, index: int) -> dict[str, Any]:
    return {
        "class": name,
        "precision": float(matrix.precision[index]),
        "recall": float(matrix.recall[index]),
        "f1": float(matrix.f1[index]),
        "support": int(matrix.support[index]),
    }


def file_data(predictor: Predictor, path: Path, registry: Registry) -> Iterator[Dataset]:
    """Yield the samples of a file, part by part, prepared as the run's data was; with targets.

    Args:
        predictor: of the run.
        path: a table with the columns that the model was trained on and the target; or arrays, x
            and y, if the model was trained on arrays.
        registry: where the data source is looked up.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a class that the model does not
            know.
    """
    preparation = predictor.preparation
    with naming(path):
        for part in labeled_parts(predictor, path, registry, samples_in_part(predictor)):
            if isinstance(part, Table) != (predictor.features is not None):
                raise _other_form(predictor.features)
            if preparation is not None:
                yield checked(preparation.apply_to_set(part), str(path))
            elif isinstance(part, Dataset):
                yield checked(part, str(path))


def _other_form(features: tuple[str, ...] | None) -> DataError:
    if features is None:
        message, hint = "the model was trained on arrays", "name a file of arrays, x and y"
    else:
        message, hint = "the model was trained on a table", "name a table with its columns"
    return DataError(message, hint=hint)
