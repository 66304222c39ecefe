"""Transforms of RealMLP and TabM: signed categories, numbers without outliers, clamped targets."""

from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, TransformState
from declnet_plugins.standard.transforms.categories import OneHot
from declnet_plugins.standard.transforms.quantile import EDGE, RankTransform, normal_quantiles
from declnet_plugins.standard.transforms.scaling import (
    NumberTransform,
    finite_numbers,
    require_shape,
    require_spread,
    saved,
)


class SignedOneHot(OneHot):
    """One column for each category, 1 where a row has it, else 0; for two, one column of 1 and -1.

    Of two categories the first in sorted order is 1. Missing values are 0 in all columns, and so
    are categories that the training data does not have. Text and booleans are categories by
    default. The new columns hold floats, which are scaled like other numbers by transforms that
    follow.

    RealMLP's encoding: Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024,
    arXiv:2407.04491, where columns of numbers and these are scaled together.
    """

    type = "signed_one_hot"
    examples = ({}, {"columns": ["color"], "unknown": "error"})

    missing: Literal["error", "zeros"] = Field(
        default="zeros", description="a missing value: an error with its row, or all zeros"
    )

    def suits(self, column: Array) -> bool:
        """Return whether it is text other than dates, or booleans."""
        return column.dtype.kind == "b" or super().suits(column)

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return floats (n, categories), or (n, 1) for two."""
        rows = super().apply(x, state).astype(float)
        return rows[:, :1] - rows[:, 1:] if rows.shape[1] == 2 else rows

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names of the form `column=category`; of two categories, only the first."""
        features = super().feature_names(names, state)
        return features[::2] if len(state["categories"]) == 2 else features


QUANTILE_ROWS, FEWEST, MOST = 30, 10, 1000
"""Rows for each quantile, and the fewest and most quantiles."""


class RobustScale(NumberTransform):
    """y = z / sqrt(1 + (z / clip)**2), z = (x - median) / (the interquartile range).

    Both of the training data, for each number of a sample. If the interquartile range is 0,
    half of max - min takes its place; if that is 0, z is 0. The result is nearly z near 0 and stays
    between -clip and clip; without clip, y = z. Missing values are ignored and stay missing.

    RealMLP's preparation of numbers and of one-hot columns: Holzmüller, Grinsztajn and Steinwart,
    Better by Default, NeurIPS 2024, arXiv:2407.04491. scikit-learn's RobustScaler does not clip.
    """

    type = "robust_scale"
    examples = ({}, {"columns": ["income"], "clip": 5.0})

    clip: float | None = Field(default=3.0, gt=0, description="the limit of |y|; absent: none")

    def fit(self, x: Array) -> TransformState:
        """Return the median and the factor 1 / (interquartile range)."""
        values = finite_numbers(x)
        first, median, third = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        spread = np.where(third > first, third - first, 0.5 * (high - low))
        require_spread(0.0, spread, np.finfo(float).tiny)
        factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
        return {"median": saved(median), "factor": saved(factor)}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        require_shape(x, state["median"])
        z: Array = (x - np.asarray(state["median"])) * state["factor"]
        with np.errstate(invalid="ignore"):  # an infinite number becomes NaN, as if missing
            return z if self.clip is None else z / np.sqrt(1 + (z / self.clip) ** 2)


class QuantileNormal(RankTransform):
    """y = the normal quantile of x's rank in the training data: it becomes N(0, 1), in any shape.

    The rank of x is interpolated between quantiles, one for 30 rows, at least 10 and at most 1000;
    values beyond the training data have those of its ends, so |y| <= 5.2. The quantiles are those
    of x + noise / max(std, noise) * N(0, 1), so that equal values get a range of ranks of which x
    takes the middle; the draws are the same in each run. Missing values stay missing.

    As scikit-learn's QuantileTransformer(output_distribution="normal") with the noise of TabM's and
    TabR's preparation of numbers (Gorishniy et al., ICLR 2024 and 2025, arXiv:2410.24210).
    """

    type = "quantile_normal"
    examples = ({}, {"columns": ["income"], "noise": 0.0})

    noise: float = Field(default=1e-3, ge=0, description="how much noise the quantiles see")

    def fit(self, x: Array) -> TransformState:
        """Return the quantiles, (count, *sample shape)."""
        values = finite_numbers(x)
        if self.noise:
            spread = np.maximum(np.nanstd(values, axis=0), self.noise)
            draws = np.random.default_rng(0).standard_normal(values.shape)
            values = values + self.noise / spread * draws
        count = min(max(min(len(values) // QUANTILE_ROWS, MOST), FEWEST), max(len(values), 2))
        quantiles = np.nanquantile(values, np.linspace(0, 1, count), axis=0)
        return {"quantiles": np.maximum.accumulate(quantiles, axis=0)}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y, column by column."""
        return normal_quantiles(self.shares(x, state))

    def ranks(self, x: Array, quantiles: Array) -> Array:
        """Return the share of the data below each x; at the ends of the data 0 and 1."""
        shares = super().ranks(x, quantiles)
        shares[x - EDGE < quantiles[0]] = 0
        shares[x + EDGE > quantiles[-1]] = 1
        return shares


class Clamp(NumberTransform):
    """y = x; predictions are limited to the range of x in the training data.

    For `data.prepare_targets`: targets are unchanged, so training is the same; a prediction below
    the smallest target of the training data becomes that, one above the largest becomes the
    largest. First in the list, it limits numbers in the target's own unit.

    RealMLP-TD clamps its output like this: Holzmüller, Grinsztajn and Steinwart, Better by Default,
    NeurIPS 2024, arXiv:2407.04491.
    """

    type = "clamp"

    def fit(self, x: Array) -> TransformState:
        """Return the smallest and the largest value."""
        values = finite_numbers(x)
        return {"min": saved(np.nanmin(values, axis=0)), "max": saved(np.nanmax(values, axis=0))}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return a copy of x."""
        return x.copy()

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return y, limited to the range."""
        limited: Array = np.clip(y, state["min"], state["max"])
        return limited
