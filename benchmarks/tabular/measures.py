"""Errors of predictions on test rows; smaller is better for all."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def measures_of(predicted: Array, y: Array, classes: int) -> dict[str, float]:
    """Return the errors of predictions by name.

    Args:
        predicted: probabilities (n, classes), or values (n,) if `classes` is 0.
        y: positions of classes, or values (n,).
        classes: the number of classes.

    Returns:
        "error": the share of wrong predictions, or the root mean squared error divided by the
        standard deviation of y. For classes also "log_loss", with probabilities of at least 1e-6,
        and "missed_precision": 1 - average precision, of the rarer of two classes, or the mean of
        more classes. For two of them "ranking": 1 - area under the ROC curve.

    Raises:
        ValueError: the predictions are not finite or have the wrong shape.
    """
    expected = (len(y), classes) if classes else (len(y),)
    if predicted.shape != expected or not np.isfinite(predicted).all():
        raise ValueError(f"predictions of shape {predicted.shape}, or not finite")
    if not classes:
        return {"error": float(np.sqrt(np.mean((predicted - y) ** 2)) / np.std(y))}
    counts = np.bincount(y, minlength=classes)
    positives = [int(counts.argmin())] if classes == 2 else np.flatnonzero(counts)
    precisions = [average_precision(y == at, predicted[:, at]) for at in positives if counts[at]]
    probabilities = np.clip(predicted[np.arange(len(y)), y], 1e-6, 1.0)
    measures = {
        "error": float(np.mean(predicted.argmax(axis=1) != y)),
        "log_loss": float(-np.mean(np.log(probabilities))),
        "missed_precision": 1.0 - float(np.mean(precisions)) if precisions else 1.0,
    }
    if classes == 2:
        positive, negative = predicted[y == 1, 1], predicted[y == 0, 1]
        below = np.sum(positive[:, None] < negative) + 0.5 * np.sum(positive[:, None] == negative)
        measures["ranking"] = float(below / (len(positive) * len(negative)))
    return measures


def average_precision(positive: Array, scores: Array) -> float:
    """Return the mean precision of thresholds, weighted by the recall that each adds.

    Args:
        positive: which samples are of the class, at least one.
        scores: their scores; equal ones are predicted together.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(positive[order])[ends]
    added = np.diff(hits, prepend=0)
    return float(np.sum(added * hits / (ends + 1)) / hits[-1])
