"""Glorot's normal draws."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class GlorotNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(2 / (fan_in + fan_out)); not truncated (Keras truncates).

    Glorot and Bengio, Understanding the difficulty of training deep networks, AISTATS 2010.
    """

    type = "glorot_normal"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 2 / (fan_in + fan_out)."""
        w[...] = rng.normal(0.0, sqrt(2 / (fan_in + fan_out)), w.shape)
