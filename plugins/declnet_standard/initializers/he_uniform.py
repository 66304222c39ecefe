"""He's uniform draws, for layers before a rectifier."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class HeUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(6 / fan_in).

    He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015.
    """

    type = "he_uniform"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 2 / fan_in."""
        limit = sqrt(6 / fan_in)
        w[...] = rng.uniform(-limit, limit, w.shape)
