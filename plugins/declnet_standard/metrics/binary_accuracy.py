"""The share of correct binary predictions."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import no_binary_labels, other_sizes


class BinaryAccuracy(Metric):
    """binary_accuracy = mean((y_pred > threshold) == y), over all outputs of all samples.

    y_pred: probabilities, (n, outputs) or any shape; y: 0 and 1, of that shape, or (n,) for one
    output.

    The same as the book's (chapter 16) and Keras's BinaryAccuracy.
    """

    type = "binary_accuracy"
    better = "higher"
    examples = ({}, {"threshold": 0.0})

    threshold: float = Field(
        default=0.5, description="an output above it says 1; 0 for scores such as those of hinge"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a label in y for each output, 0 or 1."""
        yield from other_sizes(self, context)
        yield from no_binary_labels(self, context)

    def start(self) -> list[int]:
        """Return [right, all]."""
        return [0, 0]

    def update(self, state: list[int], y_pred: Array, y_true: Array) -> None:
        """Count a batch."""
        right = (y_pred > self.threshold) == y_true.reshape(y_pred.shape)
        state[0] += int(np.count_nonzero(right))
        state[1] += right.size

    def result(self, state: list[int]) -> float:
        """Return right / all."""
        return state[0] / state[1]
