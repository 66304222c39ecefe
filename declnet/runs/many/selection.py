"""Weights of members, selected by their predictions of rows that none of them has seen.

Greedy selection: the members enter the mean one after another, with replacement, each time the one
whose addition lowers the loss most; weights are how often each did.

Caruana, Niculescu-Mizil, Crew, Ksikes: Ensemble Selection from Libraries of Models, ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.errors import DataError
from declnet.runs.inference.examined import ExaminedPart, joined_arrays
from declnet.runs.inference.predictions import OutputReading

ROUNDS = 50
"""How many members enter the mean; weights are multiples of its inverse."""

SMALLEST = 1e-7
"""Probabilities are clipped to this distance from 0 and 1."""


Fold = tuple[int, int]
"""A seed and a fold."""


def selected_weights(
    members: Iterable[Sequence[ExaminedPart]],
) -> tuple[list[float], dict[Fold, list[float]]]:
    """Return a weight for each member, which add up to 1, and what the other folds select for each.

    Several losses are each divided by the best single member's loss.

    Args:
        members: for each, the rows that it has not seen; the same for all. The data of one is no
            longer needed when the next is taken.

    Raises:
        DataError: predictions cannot be compared with the targets, e.g. quantiles, or members
            hold out other rows than each other.
    """
    rows: _Rows | None = None
    of_members = []
    for parts in members:
        rows = _Rows(parts) if rows is None else rows
        of_members.append(rows.fits(parts))
    assert rows is not None  # noqa: S101  # there is a member
    fits = [np.stack(of_loss) for of_loss in zip(*of_members, strict=True)]

    def selected(chosen: Array) -> list[float]:
        of_losses = [
            _scaled(_loss_of(reading), of_loss[:, chosen])
            for reading, of_loss in zip(rows.readings, fits, strict=True)
        ]
        return greedy(
            lambda counts: np.sum([losses(counts) for losses in of_losses], axis=0), len(of_members)
        )

    by_fold, folds = {}, rows.folds
    for seed, fold in dict.fromkeys(zip(*(column.tolist() for column in folds), strict=True)):
        others = (folds[0] == seed) & (folds[1] != fold)
        if others.any():
            by_fold[seed, fold] = selected(others)
    return selected(np.ones(len(folds[0]), bool)), by_fold


class _Rows:
    """The rows on which weights are selected, in the order of their numbers.

    Args:
        parts: the rows with the models of the first member.
    """

    def __init__(self, parts: Sequence[ExaminedPart]) -> None:
        self.readings = parts[0].predictor.readings
        self._numbers, self._targets, _ = self._read(parts)

    @property
    def folds(self) -> tuple[Array, Array]:
        """The seed (n,) and the fold (n,) of each row."""
        return self._numbers["seed"], self._numbers["fold"]

    def fits(self, parts: Sequence[ExaminedPart]) -> list[Array]:
        """Return how well a member predicts each row, for each loss, as `_loss_of` takes it."""
        numbers, targets, outputs = self._read(parts)
        same = numbers.keys() == self._numbers.keys() and all(
            np.array_equal(numbers[name], column) for name, column in self._numbers.items()
        )
        if not same or not all(map(_are_close, targets, self._targets)):
            message = "the members hold out other rows than each other, so weights cannot be "
            raise DataError(
                f"{message}selected", hint="give them the same data, seed, folds and split"
            )
        return [
            _fit(reading, y, y_pred)
            for reading, y, y_pred in zip(self.readings, self._targets, outputs, strict=True)
        ]

    def _read(
        self, parts: Sequence[ExaminedPart]
    ) -> tuple[dict[str, Array], list[Array], list[Array]]:
        """Return the numbers of the rows, and their targets and predictions of each loss."""
        numbers = joined_arrays([part.identifiers(several_seeds=True) for part in parts])
        order = np.lexsort([*numbers.values()][::-1])
        reader, outputs = parts[0].predictor, joined_arrays([part.outputs() for part in parts])
        of_losses = zip(*(part.targets() for part in parts), strict=True)
        targets = []
        for head, reading, of_parts in zip(reader.heads, reader.readings, of_losses, strict=True):
            y, y_pred = np.concatenate(of_parts), outputs[head.name]
            if reading.scores or (reading.task == "values" and y_pred.size != y.size):
                message = f'weights cannot be selected for the predictions of "{head.loss.type}"'
                raise DataError(message, hint="give each member a weight")
            y = y.astype(float) if reading.task == "values" else reading.true_labels(y)
            targets.append(y.reshape(len(y), -1)[order])
        sorted_numbers = {name: column[order] for name, column in numbers.items()}
        return sorted_numbers, targets, [outputs[head.name][order] for head in reader.heads]


def _are_close(one: Array, other: Array) -> bool:
    """Return whether targets are the same but for rounding, e.g. by other transforms."""
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-3, equal_nan=True))


def _fit(reading: OutputReading, y: Array, y_pred: Array) -> Array:
    """Return the residuals of numbers, or the probabilities of what is true, of predictions.

    Those of a mean are the mean of its members'.

    Args:
        reading: the meaning of the predictions.
        y: the true numbers (n, outputs), or labels (n, labels).
        y_pred: the predictions.
    """
    y_pred = y_pred.reshape(len(y), -1).astype(float)
    if reading.task == "values":
        return y_pred - y
    if reading.task == "classes":
        return np.take_along_axis(y_pred, y, axis=1)
    return np.where(y.astype(bool), y_pred, 1 - y_pred)


def _loss_of(reading: OutputReading) -> Callable[[Array], float]:
    """Return the loss that the selection minimizes, of what `_fit` returns."""
    if reading.task == "values":
        return lambda residuals: float(np.mean(residuals**2))
    return lambda of_truth: float(-np.log(np.clip(of_truth, SMALLEST, 1 - SMALLEST)).mean())


def _scaled(loss: Callable[[Array], float], fits: Array) -> Callable[[Array], list[float]]:
    """Return the losses for `greedy`, relative to the loss of the best member."""
    best = np.nanmin([loss(fit) for fit in fits]) or 1.0

    def losses(counts: Array) -> list[float]:
        total, size = np.tensordot(counts, fits, 1), counts.sum() + 1
        return [loss((total + fit) / size) / best for fit in fits]

    return losses


def greedy(losses: Callable[[Array], Array], members: int) -> list[float]:
    """Return the weights of the best mean that greedy selection finds.

    Args:
        losses: return the loss (members,) of the mean that each member would give which is counted
            once more than an array (members,) says.
        members: how many there are.
    """
    counts, best, chosen = np.zeros(members), np.inf, np.zeros(members)
    for _ in range(ROUNDS):
        following = np.nan_to_num(losses(counts), nan=np.inf, posinf=np.inf)
        number = int(np.argmin(following))
        counts[number] += 1
        if following[number] < best:
            best, chosen = following[number], counts.copy()
    return [float(share) for share in chosen / chosen.sum()]
