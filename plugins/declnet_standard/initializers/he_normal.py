"""He's normal draws, for layers before a rectifier."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class HeNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(2 / fan_in); not truncated (Keras truncates).

    He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015.
    """

    type = "he_normal"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 2 / fan_in."""
        w[...] = rng.normal(0.0, sqrt(2 / fan_in), w.shape)
