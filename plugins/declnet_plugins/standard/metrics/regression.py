"""Metrics of predicted numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan, sqrt

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_plugins.standard.metrics.comparability import other_sizes
from declnet_plugins.standard.metrics.means import MeanMetric, Samples


def errors_of(y_pred: Array, y_true: Array) -> Array:
    """Return y_pred - y_true in float64, (n, outputs); y_true (n,) is accepted for one output."""
    errors: Array = np.subtract(y_pred, y_true.reshape(y_pred.shape), dtype=np.float64)
    return errors.reshape(len(errors), -1)


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


class ValueMetric(Metric):
    """A metric of numbers, one in y for each output."""

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a number in y for each output."""
        return other_sizes(self, context)


class MeanAbsoluteError(ValueMetric, MeanMetric):
    """mean_absolute_error = mean(|y_pred - y|), over all outputs of all samples.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output.

    The same as scikit-learn's mean_absolute_error.
    """

    type = "mean_absolute_error"
    better = "lower"
    best_constant = "median"
    other_types = ("l1_loss", "mae_loss", "absolute_error")

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return |error|."""
        return np.absolute(errors_of(y_pred, y_true))


class MeanError(ValueMetric, MeanMetric):
    """mean_error = mean(y_pred - y), over all outputs of all samples: the bias of the predictions.

    Best at 0; positive if the predictions are too large on average. 0 says nothing about how far
    single predictions are from y.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output.
    """

    type = "mean_error"
    better = 0.0
    abbreviation = "bias"
    other_types = ("bias", "mean_bias_error", "mean_signed_error", "signed_error")

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return the errors."""
        return errors_of(y_pred, y_true)


class MeanSquaredError(ValueMetric, MeanMetric):
    """mean_squared_error = mean((y_pred - y)**2), over all outputs of all samples.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output.

    The same as scikit-learn's mean_squared_error.
    """

    type = "mean_squared_error"
    better = "lower"
    other_types = ("l2_loss", "mse_loss", "squared_error")

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return error**2."""
        return np.square(errors_of(y_pred, y_true))


class RootMeanSquaredError(ValueMetric, MeanMetric):
    """root_mean_squared_error = sqrt(mean((y_pred - y)**2)), over all outputs of all samples.

    In the unit of y: a typical error, in which large errors count more than in mean_absolute_error.
    Of predictions that are always the mean, it is the standard deviation of y.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output.

    The same as scikit-learn's root_mean_squared_error for one output; of several, that takes the
    mean of their roots.
    """

    type = "root_mean_squared_error"
    better = "lower"
    abbreviation = "rmse"
    other_types = ("root_mean_square_error",)

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return error**2."""
        return np.square(errors_of(y_pred, y_true))

    def result(self, state: list[float]) -> float:
        """Return sqrt(sum / count)."""
        return sqrt(super().result(state))


class MeanAbsolutePercentageError(ValueMetric, MeanMetric):
    """mean_absolute_percentage_error = mean(|y_pred - y| / max(|y|, eps)), over all outputs.

    A fraction, not times 100: 0.1 is an error of 10 %. eps is the machine epsilon of float64, so a
    y of 0 that is not predicted exactly gives an enormous value.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output. The same as
    scikit-learn's mean_absolute_percentage_error; Keras's is times 100.
    """

    type = "mean_absolute_percentage_error"
    better = "lower"
    abbreviation = "mape"

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return |error| / max(|y|, eps)."""
        errors = errors_of(y_pred, y_true)
        sizes = np.absolute(y_true.reshape(errors.shape).astype(np.float64))
        relative: Array = np.absolute(errors) / np.maximum(sizes, np.finfo(np.float64).eps)
        return relative


@dataclass
class Squares:
    """Sums of squares so far, of the errors and of y around its mean, per output."""

    errors: Array | float = 0.0
    targets: Spread = field(default_factory=Spread)


class R2(ValueMetric):
    """r2 = 1 - sum((y_pred - y)**2) / sum((y - mean(y))**2), the mean of this over the outputs.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output. 1 is perfect, 0 is
    as good as the mean of y; it may be negative.

    The same as scikit-learn's r2_score: for constant y it is 1 for perfect predictions and 0
    otherwise. For a single sample, which is constant, scikit-learn gives NaN instead.
    """

    type = "r2"
    other_types = ("r2_score", "r_squared", "coefficient_of_determination")
    better = "higher"

    def start(self) -> Squares:
        """Return empty sums."""
        return Squares()

    def update(self, state: Squares, y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        state.errors += np.square(errors_of(y_pred, y_true)).sum(axis=0)
        state.targets.add(y_true.reshape(len(y_true), -1))

    def result(self, state: Squares) -> float:
        """Return the mean over the outputs."""
        if not state.targets.count:
            return nan
        errors, targets = np.atleast_1d(state.errors), np.atleast_1d(state.targets.squares)
        constant = targets == 0
        shares = errors / np.where(constant, 1, targets)
        shares[constant] = errors[constant] != 0
        return float(np.mean(1 - shares))


@dataclass
class Distances:
    """The absolute errors so far, batch by batch, and the spread of y."""

    errors: list[Array] = field(default_factory=list)
    targets: Spread = field(default_factory=Spread)


class RegressionAccuracy(ValueMetric):
    """regression_accuracy = mean(|y_pred - y| < std(y) / precision_divisor).

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output; mean and standard
    deviation are over all outputs of all samples. The tolerance is known only after all of y has
    been seen, so absolute errors are kept until the result, 8 bytes per output.

    From the book (chapter 17), which uses the training data's std(y) for validation data too; here
    each data set has its own. If y is constant, nothing is close enough.
    """

    type = "regression_accuracy"
    better = "higher"
    examples = ({}, {"precision_divisor": 10.0})

    precision_divisor: float = Field(
        default=250.0, gt=0, description="fraction of std(y) within which a prediction is right"
    )

    def start(self) -> Distances:
        """Return no errors."""
        return Distances()

    def update(self, state: Distances, y_pred: Array, y_true: Array) -> None:
        """Keep the absolute errors of a batch."""
        state.errors.append(np.absolute(errors_of(y_pred, y_true)))
        state.targets.add(y_true.reshape(-1, 1))

    def result(self, state: Distances) -> float:
        """Return the share of errors that are small enough."""
        if not state.errors:
            return nan
        variance = float(np.sum(state.targets.squares)) / state.targets.count
        close = np.concatenate(state.errors) < variance**0.5 / self.precision_divisor
        return float(np.mean(close))


class Spearman(ValueMetric):
    """spearman = the correlation of the ranks of y_pred and y, the mean of this over the outputs.

    Equal numbers share the mean of their ranks. 1 if a larger y always has a larger prediction, -1
    if always a smaller one, NaN if all predictions of an output or all y are equal.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output. Ranks are known
    only after all samples have been seen, so both are kept until the result.

    Spearman, The Proof and Measurement of Association between Two Things, 1904. The same as SciPy's
    spearmanr.
    """

    type = "spearman"
    better = "higher"

    def start(self) -> Samples:
        """Return no samples."""
        return Samples()

    def update(self, state: Samples, y_pred: Array, y_true: Array) -> None:
        """Keep a copy of a batch."""
        n = len(y_pred)
        state.y_pred.append(y_pred.reshape(n, -1).copy())
        state.y_true.append(y_true.reshape(y_pred.shape).reshape(n, -1).copy())

    def result(self, state: Samples) -> float:
        """Return the mean of the outputs' correlations."""
        if not state.y_pred:
            return nan
        columns = (np.concatenate(parts).T for parts in (state.y_pred, state.y_true))
        correlations = [_correlation(_ranks(a), _ranks(b)) for a, b in zip(*columns, strict=True)]
        return sum(correlations) / len(correlations)


def _ranks(values: Array) -> Array:
    """Return the rank of each number, 1 for the smallest; NaN if there is a NaN."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[places]
    return np.full(len(values), nan) if np.isnan(values).any() else ranks


def _correlation(a: Array, b: Array) -> float:
    """Return the correlation; NaN if one of the two is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else nan
