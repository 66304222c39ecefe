"""Glorot's uniform draws, dense's default."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class GlorotUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio, Understanding the difficulty of training deep networks, AISTATS 2010.
    """

    type = "glorot_uniform"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 2 / (fan_in + fan_out)."""
        limit = sqrt(6 / (fan_in + fan_out))
        w[...] = rng.uniform(-limit, limit, w.shape)
