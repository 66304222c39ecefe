"""Initializers that break their contract."""

import numpy as np

from declnet import Initializer


class LeavesTheLastRow(Initializer):
    """w ~ N(0, 1), but for the last of the first axis."""

    type = "leaves_the_last_row"

    def fill(self, w, rng, fan_in, fan_out):
        w[:-1] = rng.normal(size=w[:-1].shape)


class AddsNoise(Initializer):
    """w += N(0, 1)."""

    type = "adds_noise"

    def fill(self, w, rng, fan_in, fan_out):
        w += rng.normal(size=w.shape)


class IgnoresTheStream(Initializer):
    """w ~ N(0, 1), from a private random stream."""

    type = "ignores_the_stream"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.random.default_rng().normal(size=w.shape)


class GlobalDraws(Initializer):
    """w ~ N(0, 1), from NumPy's global generator."""

    type = "global_draws"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.random.standard_normal(w.shape)


class LogarithmOfDraws(Initializer):
    """w = log(N(0, 1)), which is NaN for half of the draws."""

    type = "logarithm_of_draws"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = np.log(rng.normal(size=w.shape))


WRONG = {
    LeavesTheLastRow: "writes_every_output",
    AddsNoise: "overwrites_outputs",
    IgnoresTheStream: "is_deterministic",
    GlobalDraws: "leaves_global_generators_alone",
    LogarithmOfDraws: "fills_alike_in_both_float_types",
}
