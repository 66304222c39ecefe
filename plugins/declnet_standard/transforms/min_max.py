"""Scaling to a range."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Transform, TransformState
from declnet_standard.transforms.numbers import finite_numbers, is_numeric, saved


class MinMax(Transform):
    """y = low + (x - min) / (max - min) * (high - low), of the training data's min and max.

    Each feature is scaled separately. If all values are equal, y is low. Missing values stay
    missing; other data may fall outside the range.
    """

    type = "min_max"
    examples = ({}, {"low": -1.0, "high": 1.0})

    low: float = Field(default=0.0, description="what the smallest value becomes")
    high: float = Field(default=1.0, description="what the largest value becomes")
    clip: bool = Field(default=False, description="whether other data is cut to the range")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g} must be less than high = {self.high:g}")
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the column holds floats or integers."""
        return is_numeric(column)

    def fit(self, x: Array) -> TransformState:
        """Return the minimum and maximum."""
        values = finite_numbers(x)
        return {"min": saved(np.nanmin(values, axis=0)), "max": saved(np.nanmax(values, axis=0))}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        span = np.subtract(state["max"], state["min"])
        y: Array = (x - state["min"]) / np.where(span == 0, 1.0, span)
        y *= self.high - self.low
        y += self.low
        return np.clip(y, self.low, self.high, out=y) if self.clip else y
