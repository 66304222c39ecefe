"""Zeros."""

import numpy as np

from declnet import Array, Initializer


class Zeros(Initializer):
    """w = 0."""

    type = "zeros"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = 0."""
        w[...] = 0
