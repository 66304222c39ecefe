"""Ones."""

import numpy as np

from declnet import Array, Initializer


class Ones(Initializer):
    """w = 1."""

    type = "ones"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = 1."""
        w[...] = 1
