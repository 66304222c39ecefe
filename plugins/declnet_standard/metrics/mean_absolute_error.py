"""The mean absolute error of predicted numbers."""

from collections.abc import Iterator

import numpy as np

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import other_sizes
from declnet_standard.metrics.errors import errors_of


class MeanAbsoluteError(Metric):
    """mean_absolute_error = mean(|y_pred - y|), over all outputs of all samples.

    y_pred: (n, outputs) or any shape; y: of that shape, or (n,) for one output.

    The same as scikit-learn's mean_absolute_error.
    """

    type = "mean_absolute_error"
    better = "lower"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a number in y for each output."""
        return other_sizes(self, context)

    def start(self) -> list[float]:
        """Return [sum, count]."""
        return [0.0, 0]

    def update(self, state: list[float], y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        errors = errors_of(y_pred, y_true)
        state[0] += float(np.absolute(errors).sum())
        state[1] += errors.size

    def result(self, state: list[float]) -> float:
        """Return sum / count."""
        return state[0] / state[1]
