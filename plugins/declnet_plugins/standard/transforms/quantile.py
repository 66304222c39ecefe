"""Ranks among the training data: a uniform or a normal distribution of any column."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, TransformState
from declnet_plugins.standard.layers.gelu import FAR, fill_normal_tail
from declnet_plugins.standard.transforms.scaling import (
    NumberTransform,
    finite_numbers,
    in_rows,
    require_shape,
)

EDGE = 1e-7
"""Probability below the smallest value and above the largest, which are -5.2 and 5.2."""


class RankTransform(NumberTransform):
    """A base for functions of a number's rank among quantiles of the training data.

    The state has `quantiles`, (count, *sample shape), ascending: each number of a sample has its
    own.
    """

    def shares(self, x: Array, state: TransformState) -> Array:
        """Return the share of the training data below each x, from 0 to 1."""
        edges = np.asarray(state["quantiles"])
        require_shape(x, edges[0])
        y = x.astype(float)
        columns = in_rows(y)
        for number, column in enumerate(edges.reshape(len(edges), -1).T):
            columns[:, number] = self.ranks(columns[:, number], column)
        return y

    def ranks(self, x: Array, quantiles: Array) -> Array:
        """Return the share of the data below each x (n,)."""
        return ranks(x, quantiles)

    def joint_state(self, states: Sequence[TransformState]) -> TransformState | None:
        """Return the quantiles of all columns, (count, columns); None if the counts differ."""
        if len({len(state["quantiles"]) for state in states}) > 1:
            return None
        return {"quantiles": np.stack([state["quantiles"] for state in states], axis=1)}

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless the quantiles are ascending numbers, at least two."""
        edges = np.asarray(state.get("quantiles"))
        if edges.dtype.kind != "f" or edges.ndim == 0 or len(edges) < 2:
            raise ValueError("quantiles are at least two numbers")
        if not (np.diff(edges, axis=0) >= 0).all():
            raise ValueError("quantiles ascend")


class Quantile(RankTransform):
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
        y = self.shares(x, state)
        return normal_quantiles(EDGE + (1 - 2 * EDGE) * y) if self.distribution == "normal" else y

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x, interpolated between the quantiles."""
        edges = np.asarray(state["quantiles"])
        shares: Array = y.astype(float)
        if self.distribution == "normal":
            shares = (_below(shares) - EDGE) / (1 - 2 * EDGE)
        known = np.linspace(0, 1, len(edges))
        if edges.ndim == 1:
            x: Array = np.interp(shares, known, edges)
            return x
        columns = in_rows(shares)
        pairs = zip(columns.T, edges.reshape(len(edges), -1).T, strict=True)
        return np.stack([np.interp(a, known, b) for a, b in pairs], axis=1).reshape(y.shape)


def ranks(x: Array, quantiles: Array) -> Array:
    """Return the share of the data below each x (n,), from 0 to 1; NaN stays.

    Where several quantiles are equal, it is the mean of the smallest and the largest share.
    """
    shares = np.linspace(0, 1, len(quantiles))
    below = np.interp(x, quantiles, shares)
    above = np.interp(-x, -quantiles[::-1], -shares[::-1])
    return 0.5 * (below - above)


def normal_quantiles(shares: Array) -> Array:
    """Return the quantiles of N(0, 1) for shares in any shape, cut to `EDGE` and 1 - `EDGE`.

    Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
    Statistics 37, 1988: PPND16, which has 16 digits, without its form for shares below 1e-11.
    """
    p = np.clip(shares, EDGE, 1 - EDGE)
    q = p - 0.5
    inner = _ratio(CENTER, 0.425**2 - q * q) * q
    outer = np.copysign(_ratio(TAIL, np.sqrt(-np.log(np.minimum(p, 1 - p))) - 1.6), q)
    y: Array = np.where(np.abs(q) <= 0.425, inner, outer)
    return y


CENTER = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
"""A numerator and a denominator for |p - 0.5| <= 0.425, from the highest power on."""

TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
     4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1.0),
)  # fmt: skip
"""The same for p from e**-25 to 0.075."""


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    numerator, denominator = (_polynomial(side, x) for side in coefficients)
    ratio: Array = numerator / denominator
    return ratio


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    first, second, *rest = coefficients
    y: Array = x * first + second
    for coefficient in rest:
        y = y * x + coefficient
    return y


def _below(y: Array) -> Array:
    """Return the share of N(0, 1) below each y."""
    a = np.minimum(np.abs(y), FAR)
    tail, density = np.empty_like(a), np.empty_like(a)
    fill_normal_tail(a, tail, density)
    below: Array = np.where(y < 0, tail, 1 - tail)
    return below
