"""Standardization."""

import numpy as np

from declnet import Array, Transform, TransformState
from declnet_standard.transforms.numbers import finite_numbers, is_numeric, saved


class Standardize(Transform):
    """y = (x - mean) / std, of the training data: each number of a sample by its own.

    The std is the population std (divided by n); if it is 0, because all values are equal, 1 is
    used instead, so y is 0. Missing values are ignored and stay missing.
    """

    type = "standardize"
    examples = ({}, {"columns": ["age", "income"]})

    def suits(self, column: Array) -> bool:
        """Return whether the column holds floats or integers."""
        return is_numeric(column)

    def fit(self, x: Array) -> TransformState:
        """Return mean and std."""
        values = finite_numbers(x)
        low = np.nanmin(values, axis=0)
        constant = np.nanmax(values, axis=0) == low  # rounding would falsify its mean and std
        mean = np.where(constant, low, np.nanmean(values, axis=0))
        std = np.where(constant, 1.0, np.nanstd(values, axis=0))
        return {"mean": saved(mean), "std": saved(std)}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        y: Array = x - state["mean"]
        y /= state["std"]
        return y
