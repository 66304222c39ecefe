"""Ranks among the training data: a uniform or a normal distribution of any column."""

from math import erf, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, TransformState
from declnet_plugins.standard.transforms.scaling import (
    NumberTransform,
    finite_numbers,
    require_shape,
)

EDGE = 1e-7
"""Probability below the smallest value and above the largest, which are -5.2 and 5.2."""


class Quantile(NumberTransform):
    """y = the share of the training data below x, from 0 to 1; or the normal quantile of the share.

    The share is interpolated between quantiles of the training data; of equal values it is the
    middle. With the normal distribution, the shares 0 and 1 are taken as 1e-7 and 1 - 1e-7, so
    |y| <= 5.2. Values beyond the training data have the share of its ends; of a target, a
    prediction never leaves the range of the training data. Missing values stay missing.

    As scikit-learn's QuantileTransformer, but for a value at the ends that several rows share.
    """

    type = "quantile"
    examples = ({}, {"columns": ["income"], "distribution": "uniform", "quantiles": 100})

    distribution: Literal["normal", "uniform"] = Field(
        default="normal", description="the distribution of y: N(0, 1), or uniform from 0 to 1"
    )
    quantiles: int = Field(
        default=1000,
        ge=2,
        description="maximum number of quantiles to keep, at most one for each row",
    )

    def fit(self, x: Array) -> TransformState:
        """Return the quantiles, (count, *sample shape), ascending."""
        values = finite_numbers(x)
        shares = np.linspace(0, 1, max(2, min(self.quantiles, len(values))))
        quantiles = np.nanquantile(values, shares, axis=0)
        return {"quantiles": np.maximum.accumulate(quantiles, axis=0)}  # rounding may go down

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y; each number of a sample has its own quantiles."""
        edges = np.asarray(state["quantiles"])
        require_shape(x, edges[0])
        y = x.astype(float)
        columns = y.reshape(len(y), -1)
        for number, column in enumerate(edges.reshape(len(edges), -1).T):
            columns[:, number] = ranks(columns[:, number], column)
        if self.distribution == "normal":
            columns = normal_quantiles(EDGE + (1 - 2 * EDGE) * columns)
        return columns.reshape(y.shape)

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x, interpolated between the quantiles."""
        edges = np.asarray(state["quantiles"])
        shares: Array = np.asarray(y, float)
        if self.distribution == "normal":
            shares = (_below(shares) - EDGE) / (1 - 2 * EDGE)
        known = np.linspace(0, 1, len(edges))
        if edges.ndim == 1:
            x: Array = np.interp(shares, known, edges)
            return x
        columns = shares.reshape(len(shares), -1)
        pairs = zip(columns.T, edges.reshape(len(edges), -1).T, strict=True)
        return np.stack([np.interp(a, known, b) for a, b in pairs], axis=1).reshape(y.shape)

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless the quantiles are ascending numbers, at least two."""
        require_ascending(state.get("quantiles"))


def require_ascending(quantiles: object) -> None:
    """Raise ValueError unless quantiles are ascending numbers, at least two."""
    edges = np.asarray(quantiles)
    if edges.dtype.kind != "f" or edges.ndim == 0 or len(edges) < 2:
        raise ValueError("quantiles are at least two numbers")
    if not (np.diff(edges, axis=0) >= 0).all():
        raise ValueError("quantiles ascend")


def ranks(x: Array, quantiles: Array) -> Array:
    """Return the share of the data below each x (n,), from 0 to 1; NaN stays.

    Where several quantiles are equal, it is the mean of the smallest and the largest share.
    """
    shares = np.linspace(0, 1, len(quantiles))
    below = np.interp(x, quantiles, shares)
    above = np.interp(-x, -quantiles[::-1], -shares[::-1])
    return 0.5 * (below - above)


def normal_quantiles(shares: Array) -> Array:
    """Return the quantiles of N(0, 1) for shares in any shape, cut to `EDGE` and 1 - `EDGE`."""
    within = np.clip(shares, EDGE, 1 - EDGE)
    missing = np.isnan(within)
    within[missing] = 0.5
    normal = map(NormalDist().inv_cdf, within.ravel().tolist())
    y = np.fromiter(normal, float, within.size).reshape(within.shape)
    y[missing] = np.nan
    return y


def _below(y: Array) -> Array:
    """Return the share of N(0, 1) below each y."""
    shares = (0.5 * (1 + erf(number / sqrt(2))) for number in y.ravel().tolist())
    return np.fromiter(shares, float, y.size).reshape(y.shape)
