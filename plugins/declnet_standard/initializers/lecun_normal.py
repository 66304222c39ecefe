"""LeCun's normal draws, for layers before selu or without a rectifier."""

from math import sqrt

import numpy as np

from declnet import Array, Initializer


class LecunNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(1 / fan_in); not truncated (Keras truncates).

    PyTorch: kaiming_normal_ with nonlinearity="linear". LeCun, Bottou, Orr and Müller, Efficient
    BackProp, 1998; for selu: Klambauer et al., Self-Normalizing Neural Networks, NIPS 2017.
    """

    type = "lecun_normal"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 1 / fan_in."""
        w[...] = rng.normal(0.0, sqrt(1 / fan_in), w.shape)
