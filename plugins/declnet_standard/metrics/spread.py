"""The spread of numbers around their mean, computed in batches."""

from dataclasses import dataclass

import numpy as np

from declnet import Array


@dataclass
class Spread:
    """Running sums over the rows of batches (n, columns), for each column.

    Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances, 1979; relative to the first row, so that equal rows have a spread of exactly 0.

    Attributes:
        count: rows so far.
        squares: sum of squared distances from the mean of all rows so far.
    """

    count: int = 0
    squares: Array | float = 0.0
    _first: Array | float = 0.0
    _mean: Array | float = 0.0

    def add(self, rows: Array) -> None:
        """Add a batch."""
        if not self.count:
            self._first = rows[0].astype(np.float64)
        distances = rows - self._first
        mean = distances.mean(axis=0)
        step, count, total = mean - self._mean, len(rows), self.count + len(rows)
        self.squares += np.square(distances - mean).sum(axis=0)
        self.squares += np.square(step) * (self.count * count / total)
        self._mean += step * (count / total)
        self.count = total
