"""LeCun's uniform draws."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class LecunUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(3 / fan_in).

    PyTorch: kaiming_uniform_ with nonlinearity="linear". LeCun, Bottou, Orr and Müller, Efficient
    BackProp, 1998.
    """

    type = "lecun_uniform"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 1 / fan_in."""
        limit = sqrt(3 / fan_in)
        w[...] = rng.uniform(-limit, limit, w.shape)
