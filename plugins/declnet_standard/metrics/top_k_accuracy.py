"""The share of samples whose class is among the k most probable ones."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Metric, RunContext
from declnet_standard.metrics.comparability import no_classes
from declnet_standard.metrics.labels import whole_labels


class TopKAccuracy(Metric):
    """top_k_accuracy = mean(fewer than k classes come before the right one).

    y_pred: (n, classes); y: labels (n,) or one-hot rows (n, classes). With k = 1 it is accuracy.

    Of equal predictions the first comes first, as in accuracy; scikit-learn's top_k_accuracy_score
    takes the last, Keras's TopKCategoricalAccuracy both. A prediction of NaN comes last.
    """

    type = "top_k_accuracy"
    better = "higher"
    examples = ({}, {"k": 2})
    example_shapes = (((8,), ()), ((8,), (8,)))

    k: int = Field(default=5, ge=1, description="how many of the classes count as predicted")

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require more than k classes, as otherwise every prediction is right."""
        yield from no_classes(self, context)
        shape = context.last.output_shape if context.last is not None else ()
        if len(shape) == 1 and 1 < shape[0] <= self.k:
            message = f"with k = {self.k} of {shape[0]} classes every prediction counts as right"
            hint = f"k must be less than {shape[0]}"
            yield Diagnostic(message, hint, ("k",), "E044")

    def start(self) -> list[int]:
        """Return [right, all]."""
        return [0, 0]

    def update(self, state: list[int], y_pred: Array, y_true: Array) -> None:
        """Count the classes that come after the right one: comparisons with NaN are false."""
        samples, classes = y_pred.shape
        labels = whole_labels(y_true, classes)[:, None]
        right = np.take_along_axis(y_pred, labels, axis=1)
        after = y_pred < right
        after |= (y_pred == right) & (np.arange(classes) > labels)
        before = classes - 1 - np.count_nonzero(after, axis=1)
        state[0] += int(np.count_nonzero(before < self.k))
        state[1] += samples

    def result(self, state: list[int]) -> float:
        """Return right / all."""
        return state[0] / state[1]
