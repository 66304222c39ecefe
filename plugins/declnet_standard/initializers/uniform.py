"""Uniform draws."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Initializer


class Uniform(Initializer):
    """w ~ U(low, high)."""

    type = "uniform"
    examples = ({}, {"low": 0.0, "high": 1.0})

    low: float = Field(default=-0.05, description="the smallest value")
    high: float = Field(default=0.05, description="above the largest value")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) must not be greater than high ({self.high})")
        return self

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws."""
        w[...] = rng.uniform(self.low, self.high, w.shape)
