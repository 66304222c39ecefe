"""Weights of members, selected by their predictions of rows that none of them has seen.

Greedy selection: the members enter the mean one after another, with replacement, each time the one
whose addition lowers the loss most; weights are how often each did.

Caruana, Niculescu-Mizil, Crew, Ksikes: Ensemble Selection from Libraries of Models, ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.errors import DataError
from declnet.runs.inference.examined import ExaminedPart
from declnet.runs.inference.predictions import OutputReading

ROUNDS = 50
"""How many members enter the mean; weights are multiples of its inverse."""

SMALLEST = 1e-7
"""Probabilities are clipped to this distance from 0 and 1."""


Fold = tuple[int, int | None]
"""A seed and a fold."""


def selected_weights(
    parts: Sequence[Sequence[ExaminedPart]],
) -> tuple[list[float], dict[Fold, list[float]]]:
    """Return a weight for each member, which add up to 1, and what the other folds select for each.

    Of several losses, each is divided by that of the best single member.

    Args:
        parts: for each member, the rows that it has not seen; the same for all, in one order.

    Raises:
        DataError: predictions cannot be compared with the targets, e.g. quantiles.
    """
    reader = parts[0][0].predictor
    of_parts = [part.targets() for part in parts[0]]
    targets = [np.concatenate(of_loss) for of_loss in zip(*of_parts, strict=True)]
    outputs = [[part.outputs() for part in of_member] for of_member in parts]
    known = []
    for head, reading, y in zip(reader.heads, reader.readings, targets, strict=True):
        predictions = [
            np.concatenate([of_part[head.name] for of_part in of_member]) for of_member in outputs
        ]
        sizes_differ = reading.task == "values" and predictions[0].size != y.size
        if reading.scores or sizes_differ:
            message = f'weights cannot be selected for the predictions of "{head.loss.type}"'
            raise DataError(message, hint="give each member a weight")
        known.append((reading, y, predictions))

    def selected(rows: Array) -> list[float]:
        losses = [
            _scaled(_loss_of(reading, y[rows]), [y_pred[rows] for y_pred in predictions])
            for reading, y, predictions in known
        ]
        return greedy(lambda counts: sum(loss(counts) for loss in losses), len(parts))

    specs = [part.predictor.spec for part in parts[0]]
    folds = [(spec.seed, spec.data.fold) for spec in specs]
    fold_of = np.repeat(np.arange(len(folds)), [len(part) for part in parts[0]])
    by_fold = {}
    for fold in dict.fromkeys(folds):
        others = [
            number
            for number, other in enumerate(folds)
            if other[0] == fold[0] and other[1] != fold[1]
        ]
        if others:
            by_fold[fold] = selected(np.isin(fold_of, others))
    return selected(np.ones(len(fold_of), bool)), by_fold


def _loss_of(reading: OutputReading, y: Array) -> Callable[[Array], float]:
    """Return the loss that the selection minimizes."""
    if reading.task == "values":
        shape = (len(y), -1)
        target = y.reshape(shape).astype(float)
        return lambda y_pred: float(np.mean((y_pred.reshape(shape) - target) ** 2))
    labels = reading.true_labels(y)
    if reading.task == "classes":
        rows = np.arange(len(labels))
        return lambda y_pred: _log_loss(y_pred[rows, labels])
    truth = labels.reshape(len(labels), -1).astype(bool)

    def binary(y_pred: Array) -> float:
        probability = y_pred.reshape(truth.shape)
        return _log_loss(np.where(truth, probability, 1 - probability))

    return binary


def _log_loss(of_truth: Array) -> float:
    return float(-np.log(np.clip(of_truth, SMALLEST, 1 - SMALLEST)).mean())


def _scaled(
    loss: Callable[[Array], float], predictions: Sequence[Array]
) -> Callable[[Array], float]:
    """Return the loss of a mean with some counts, relative to the loss of the best member."""
    stacked = np.stack([y_pred.astype(float) for y_pred in predictions])
    best = min(map(loss, stacked)) or 1.0
    return lambda counts: loss(np.tensordot(counts / counts.sum(), stacked, 1)) / best


def greedy(loss: Callable[[Array], float], members: int) -> list[float]:
    """Return the weights of the best mean that greedy selection finds.

    Args:
        loss: of the mean in which each member is counted as often as an array (members,) says.
        members: how many there are.
    """
    counts, best, chosen = np.zeros(members), np.inf, np.zeros(members)
    for _ in range(ROUNDS):
        losses = [loss(counts + one) for one in np.eye(members)]
        number = int(np.argmin(losses))
        counts[number] += 1
        if losses[number] < best:
            best, chosen = losses[number], counts.copy()
    return [float(share) for share in chosen / chosen.sum()]
