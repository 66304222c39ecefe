"""Counts of right and wrong classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """Figures of each class, (classes,); 0 where there is nothing to divide by."""

    precision: Array
    recall: Array
    f1: Array
    support: Array


def class_labels(y: Array) -> Array:
    """Labels (n,), of labels (n,) or (n, 1), or of one-hot rows (n, classes)."""
    labels: Array = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    return labels.astype(np.intp)


def confusion_counts(true: Array, predicted: Array, classes: int) -> Array:
    """How often, (true class, predicted class)."""
    counts = np.bincount(true * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def class_figures(counts: Array) -> ClassFigures:
    """Precision, recall, F1 and number of samples by class, of a confusion matrix."""
    right = counts.diagonal()
    predicted, support = counts.sum(axis=0), counts.sum(axis=1)
    return ClassFigures(
        right / np.maximum(predicted, 1),
        right / np.maximum(support, 1),
        2 * right / np.maximum(predicted + support, 1),
        support,
    )
