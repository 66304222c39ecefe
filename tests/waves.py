"""A layer and an initializer for plugins in several distributions."""

from __future__ import annotations

import numpy as np

from declnet import Initializer, Layer, Parameter
from declnet.registry.plugin import Plugin

WAVE, OTHER = Plugin("wave", "declnet-wave", "1.0"), Plugin("other", "other-wave", "2.0")


def wave(factor: float) -> type[Layer]:
    """Return the layer y = factor * gain * x, whose gain the initializer `level` fills."""

    class Wave(Layer):
        """y = factor * gain * x."""

        type = "wave"

        def parameters(self, input_shape):
            return {"gain": Parameter(input_shape, "level", trainable=False)}

        def forward(self, x, y, state):
            np.multiply(x, factor * state.gain, out=y)

        def backward(self, x, y, dy, dx, state):
            if dx is not None:
                np.multiply(dy, factor * state.gain, out=dx)

    return Wave


def level(value: float) -> type[Initializer]:
    """Return the initializer w = value."""

    class Level(Initializer):
        """w = value."""

        type = "level"

        def fill(self, w, rng, fan_in, fan_out):
            w[...] = value

    return Level
