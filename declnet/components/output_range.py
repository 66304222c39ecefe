"""Which numbers a layer can give."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class OutputRange:
    """Bounds of each number of a layer's output, whatever its input and its parameters.

    `OutputRange()` is any number, `OutputRange(low=0)` none below 0, `OutputRange(0, 1)` a
    probability of its own for each unit.

    Attributes:
        low: no number is below this.
        high: no number is above this.
        sums_to_one: whether the numbers of each sample's last axis add up to 1: one distribution.
    """

    low: float = -math.inf
    high: float = math.inf
    sums_to_one: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether some number lies outside."""
        return self.low > -math.inf or self.high < math.inf

    @property
    def is_probability(self) -> bool:
        """Whether each number lies between 0 and 1."""
        return self.low >= 0 and self.high <= 1
