"""The coefficient of determination."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import other_sizes
from declnet_standard.metrics.errors import errors_of
from declnet_standard.metrics.spread import Spread


@dataclass
class Squares:
    """Sums of squares so far, of the errors and of y around its mean, per output."""

    errors: Array | float = 0.0
    targets: Spread = field(default_factory=Spread)


class R2(Metric):
    """r2 = 1 - sum((y_pred - y)**2) / sum((y - mean(y))**2), the mean of this over the outputs.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output. 1 is perfect, 0 is
    as good as the mean of y; it may be negative.

    The same as scikit-learn's r2_score: for constant y it is 1 for perfect predictions and 0
    otherwise. For a single sample, which is constant, scikit-learn gives NaN instead.
    """

    type = "r2"
    better = "higher"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a number in y for each output."""
        return other_sizes(self, context)

    def start(self) -> Squares:
        """Return empty sums."""
        return Squares()

    def update(self, state: Squares, y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        state.errors += np.square(errors_of(y_pred, y_true)).sum(axis=0)
        state.targets.add(y_true.reshape(len(y_true), -1))

    def result(self, state: Squares) -> float:
        """Return the mean over the outputs."""
        errors, targets = np.atleast_1d(state.errors), np.atleast_1d(state.targets.squares)
        constant = targets == 0
        shares = errors / np.where(constant, 1, targets)
        shares[constant] = errors[constant] != 0
        return float(np.mean(1 - shares))
