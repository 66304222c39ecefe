"""One training step on a batch, as a straight list of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array

Call = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Step:
    """The calls of one training step on n samples, and the arrays that they fill.

    Attributes:
        calls: forward, loss, backward and regularizers' gradients, in order.
        y_pred: predictions, (n, *output shape), right until the next step.
        losses: the data loss of each sample, (n,).
    """

    calls: tuple[Call, ...]
    y_pred: Array
    losses: Array

    def run(self) -> float:
        """Executes the calls; returns the mean data loss."""
        for call in self.calls:
            call()
        return float(np.add.reduce(self.losses)) / len(self.losses)
