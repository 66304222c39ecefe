"""How far predicted values are from the true ones, batch by batch."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array


class ValueErrors:
    """Sums from which r2, the mean absolute and the root mean squared error follow."""

    def __init__(self) -> None:
        self._count = 0
        self._squares: Array = np.zeros(1)
        self._sizes: Array = np.zeros(1)
        self._mean: Array = np.zeros(1)
        self._spread: Array = np.zeros(1)

    def add(self, y_pred: Array, y: Array) -> None:
        """Adds a batch; both (n, …) with as many numbers a sample.

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
        """`r2` (the mean over the outputs), `mean_absolute_error`, `root_mean_squared_error`."""
        constant = self._spread == 0
        share = self._squares / np.where(constant, 1, self._spread)
        share = np.where(constant, self._squares != 0, share)
        return {
            "r2": float(np.mean(1 - share)),
            "mean_absolute_error": float(np.mean(self._sizes) / self._count),
            "root_mean_squared_error": float(np.sqrt(np.mean(self._squares) / self._count)),
        }
