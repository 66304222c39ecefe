"""Initializers of RealMLP and TabM, some of which see the data."""

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from pydantic import Field

from declnet import Array, Initializer
from declnet_plugins.standard.initializers import Normal


class FanInUniform(Initializer):
    """w ~ U(-limit, limit), limit = 1 / sqrt(fan_in).

    PyTorch's default for the weights of a linear layer and, with that layer's fan_in, its biases.
    """

    type = "fan_in_uniform"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 1 / (3 * fan_in)."""
        limit = 1 / sqrt(fan_in)
        w[...] = rng.uniform(-limit, limit, w.shape)


class RandomSigns(Initializer):
    """w = -1 or 1, with equal probability.

    Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210; after Wen, Tran and Ba,
    BatchEnsemble, ICLR 2020.
    """

    type = "random_signs"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = signs."""
        w[...] = 1 - 2 * rng.integers(0, 2, w.shape)


class PerFeature(Initializer):
    """w[..., j] = one draw for each `size` adjacent columns j, the embedding of a feature.

    TabM's first adapter: each member multiplies all numbers of a feature's embedding by the same
    factor. Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "per_feature"
    examples = ({"size": 2}, {"size": 3, "initializer": "random_signs"})

    size: int = Field(ge=1, description="number of adjacent columns with the same value")
    initializer: Initializer = Field(
        default=Normal(std=1.0), description="draws the value of each feature"
    )

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = draws, each repeated."""
        features = -(-w.shape[-1] // self.size)
        draws = np.empty((*w.shape[:-1], features), w.dtype)
        self.initializer.fill(draws, rng, fan_in, fan_out)
        w[...] = np.repeat(draws, self.size, axis=-1)[..., : w.shape[-1]]


class UnitOutputs(Initializer):
    """w ~ N(0, 1), each unit then divided by the standard deviation of its output on data.

    For weights (inputs, units) of a linear layer with outputs (n, units): biases do not change the
    standard deviation, so that of the pre-activations becomes 1. It is the population's, over 4096
    samples or all. A unit without variance keeps its weights, as do all without a training.

    RealMLP-TD's weights ("std"): Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS
    2024, arXiv:2407.04491, there over as many samples as fit in memory.
    """

    type = "unit_outputs"
    adapt_samples = 4096

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws."""
        w[...] = rng.normal(0.0, 1.0, w.shape)

    def adapt(
        self, w: Array, x: Any, forward: Callable[[], Array], rng: np.random.Generator
    ) -> None:
        """Divide each unit's weights by the standard deviation of its output."""
        y = forward()
        std = y.std(axis=0, dtype=np.float64)
        rounding = 16 * np.finfo(y.dtype).eps * np.abs(y).max(axis=0)  # of equal outputs
        if std.shape == w.shape[-1:]:
            np.divide(w, np.where(std > rounding, std, 1.0), out=w, casting="same_kind")


class HePlus(Initializer):
    """b = -(s_1 * z_1 + … + s_rows * z_rows): the zero of each unit is placed among the data.

    z: the unit's pre-activations, without bias, of rows drawn with replacement for each unit;
    s: shares drawn uniformly from all that are positive and sum to 1. Without a training, b = 0.

    RealMLP-TD's biases ("he+5"): Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS
    2024, arXiv:2407.04491; after Steinwart, A Sober Look at Neural Network Initializations, 2019,
    arXiv:1903.11482.
    """

    type = "he_plus"
    examples = ({}, {"rows": 2})

    rows: int = Field(default=5, ge=1, description="number of rows that each unit combines")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """b = 0."""
        w[...] = 0

    def adapt(
        self, w: Array, x: Any, forward: Callable[[], Array], rng: np.random.Generator
    ) -> None:
        """b = minus a convex combination of pre-activations, for each unit."""
        outputs = forward()
        if outputs.shape[1:] != w.shape:
            return
        z, units = outputs - w, np.arange(w.size)
        rows = rng.integers(0, len(z), (self.rows, w.size))
        shares = rng.exponential(size=rows.shape)
        shares /= shares.sum(axis=0)
        w[...] = -(shares * z.reshape(len(z), -1)[rows, units]).sum(axis=0).reshape(w.shape)


class QuantileEdges(Initializer):
    """w[j] = the quantiles 0, 1 / bins, …, 1 of feature j, without repetitions.

    For w (features, bins + 1) of a layer with input (n, features). A quantile that occurs more than
    once is taken once; the last one fills the rest. They are those of 10000 samples, or all.
    Without a training, w holds the quantiles of N(0, 1), with -4.75 and 4.75 at the ends.

    Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features in Tabular Deep Learning,
    NeurIPS 2022.
    """

    type = "quantile_edges"
    adapt_samples = 10_000

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w[j] = the quantiles of N(0, 1)."""
        count = w.shape[-1]
        shares = np.clip(np.linspace(0, 1, max(count, 2))[:count], 1e-6, 1 - 1e-6)
        w[...] = [NormalDist().inv_cdf(share) for share in shares]

    def adapt(
        self, w: Array, x: Any, forward: Callable[[], Array], rng: np.random.Generator
    ) -> None:
        """w[j] = the quantiles of x[:, j]."""
        if w.ndim != 2 or np.shape(x)[1:] != w.shape[:1]:
            return
        shares = np.linspace(0, 1, w.shape[1])
        for frequencies, column in zip(w, np.asarray(x).T, strict=True):
            edges = np.unique(np.quantile(column, shares).astype(w.dtype))
            frequencies[: edges.size], frequencies[edges.size :] = edges, edges[-1]
