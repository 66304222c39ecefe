"""Initializers with one defect each."""

import numpy as np

from declnet import Initializer


class Orthogonal(Initializer):
    """The QR decomposition of a matrix that is wider than high has another shape."""

    type = "orthogonal_columns"

    def fill(self, w, rng, fan_in, fan_out):
        if w.ndim != 2:
            raise ValueError(f"it fills matrices, not shape {w.shape}")
        q, _ = np.linalg.qr(rng.normal(size=w.shape))
        w[...] = q


class OwnSeed(Initializer):
    """It draws from a generator with a fixed seed, so all layers and runs get equal weights."""

    type = "own_seed"

    def fill(self, w, rng, fan_in, fan_out):
        drawn = np.random.default_rng(0).normal(size=w.shape)
        np.multiply(drawn, 1 / fan_in**0.5, out=w)


class UnitOutput(Initializer):
    """It divides by the standard deviation of the output, which is 0 for equal samples."""

    type = "unit_output"

    def fill(self, w, rng, fan_in, fan_out):
        w[...] = rng.normal(size=w.shape)

    def adapt(self, w, x, forward, rng):
        if w.ndim > 1:
            np.divide(w, forward().std(axis=0).mean(), out=w)


DEFECTS = (("B", Orthogonal), ("B", OwnSeed), ("B", UnitOutput))
