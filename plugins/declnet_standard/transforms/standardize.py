"""Standardization."""

import numpy as np

from declnet import Array, Transform, TransformState
from declnet_standard.transforms.numbers import finite_numbers, is_numeric, saved


class Standardize(Transform):
    """y = (x - mean) / std, of the training data: each number of a sample by its own.

    The std is that of the whole (divided by n); where it is 0, all values being alike, 1 takes its
    place, so that y is 0. What is missing counts for nothing and stays missing.
    """

    type = "standardize"
    examples = ({}, {"columns": ["age", "income"]})

    def suits(self, column: Array) -> bool:
        """Floats and integers."""
        return is_numeric(column)

    def fit(self, x: Array) -> TransformState:
        """Mean and std."""
        values = finite_numbers(x)
        low = np.nanmin(values, axis=0)
        constant = np.nanmax(values, axis=0) == low  # whose mean and std rounding would spoil
        mean = np.where(constant, low, np.nanmean(values, axis=0))
        std = np.where(constant, 1.0, np.nanstd(values, axis=0))
        return {"mean": saved(mean), "std": saved(std)}

    def apply(self, x: Array, state: TransformState) -> Array:
        """As the equation says."""
        y: Array = x - state["mean"]
        y /= state["std"]
        return y
