"""Initializer: the values that a parameter starts with."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.components.component import Component


class Initializer(Component):
    """Fills a parameter before training."""

    kind = "initializer"
    required_methods = ("fill",)

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """Overwrites all of `w`.

        Args:
            w: the parameter, of any float type.
            rng: the layer's own stream; the only source of randomness to use.
            fan_in: the number of inputs to each unit.
            fan_out: the number of outputs of each input.
        """
        raise NotImplementedError
