"""The book's accuracy of a regression: the share of predictions that are close enough."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import other_sizes
from declnet_standard.metrics.errors import errors_of
from declnet_standard.metrics.spread import Spread


@dataclass
class Distances:
    """The absolute errors so far, batch by batch, and the spread of y."""

    errors: list[Array] = field(default_factory=list)
    targets: Spread = field(default_factory=Spread)


class RegressionAccuracy(Metric):
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

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a number in y for each output."""
        return other_sizes(self, context)

    def start(self) -> Distances:
        """Return no errors."""
        return Distances()

    def update(self, state: Distances, y_pred: Array, y_true: Array) -> None:
        """Keep the absolute errors of a batch."""
        state.errors.append(np.absolute(errors_of(y_pred, y_true)))
        state.targets.add(y_true.reshape(-1, 1))

    def result(self, state: Distances) -> float:
        """Return the share of errors that are small enough."""
        variance = float(np.sum(state.targets.squares)) / state.targets.count
        close = np.concatenate(state.errors) < variance**0.5 / self.precision_divisor
        return float(np.mean(close))
