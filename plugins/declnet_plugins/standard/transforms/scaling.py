"""Scaling of columns of numbers."""

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, ColumnError, Fitting, Transform, TransformState

LARGEST = 1e150
"""Numbers beyond it have squares that overflow in sums."""


class NumberTransform(Transform):
    """A transform of columns of numbers."""

    def suits(self, column: Array) -> bool:
        """Return whether the column holds floats or integers; booleans do not count."""
        return column.dtype.kind in "fiu"

    def joint_state(self, states: Sequence[TransformState]) -> TransformState | None:
        """Return an array for each statistic, which must be a number or an array of numbers."""
        return joint_numbers(states)


def in_rows(x: Array) -> Array:
    """Return samples (n, …) as rows (n, numbers); there may be none."""
    return x.reshape(len(x), prod(x.shape[1:]))  # without samples, -1 would be ambiguous


def empty_column() -> ColumnError:
    """Return the error for a column without any values."""
    return ColumnError("is empty: all values are missing", hint="leave it out of the features")


def as_floats(x: Array) -> Array:
    """Return a column in float64; raise ColumnError if it holds text."""
    if x.dtype.kind == "O":
        raise ColumnError("is text", hint="name columns of numbers, or put one_hot before")
    numbers: Array = x.astype(float)
    return numbers


def finite_numbers(x: Array, *, whole: bool = True) -> Array:
    """Return a training data column in float64, with NaN for missing values.

    Args:
        whole: whether these are all rows, of which some must have a value.

    Raises:
        ColumnError: it holds text or an infinite number, or no values.
    """
    values = as_floats(x)
    wild = in_rows(np.isinf(values)).any(axis=1)
    if wild.any():
        raise ColumnError("is infinite", int(np.argmax(wild)), "correct it or leave the row out")
    if whole and np.isnan(values).all(axis=0).any():
        raise empty_column()
    return values


def saved(values: Any) -> Any:
    """Return a column's statistic as a float, or as a float64 array for several numbers."""
    return float(values) if np.ndim(values) == 0 else np.asarray(values, float)


def joint_numbers(states: Sequence[TransformState]) -> TransformState:
    """Return the state of several columns, with an array (columns, …) for each statistic."""
    return {name: np.array([state[name] for state in states], float) for name in states[0]}


def require_shape(x: Array, fitted: Any) -> None:
    """Raise ColumnError unless samples have the shape of what was fitted, if that is an array."""
    shape = getattr(fitted, "shape", ())
    if shape and x.shape[1:] != shape:
        raise ColumnError(f"has samples of shape {x.shape[1:]}, but was fitted to {shape}")


def require_squares(values: Array) -> None:
    """Raise ColumnError if the square of a number would overflow in sums."""
    large = in_rows(np.abs(values) > LARGEST).any(axis=1)
    if large.any():
        hint = "give the column in a larger unit, or leave the row out"
        at = int(np.argmax(large))
        largest = np.nanmax(np.abs(values[at]))
        raise ColumnError(f"is {largest:.3g}, too large for a variance", at, hint)


def require_spread(low: Any, high: Any, least: float = 1 / LARGEST) -> None:
    """Raise ColumnError if numbers differ, but by so little that it vanishes in computations."""
    spread = np.subtract(high, low)
    small = (spread > 0) & (spread < least)
    if np.any(small):
        message = (
            f"varies by only {np.min(spread, where=small, initial=least):.3g}, too little to scale"
        )
        hint = "give the column in a smaller unit, or leave it out of the features"
        raise ColumnError(message, hint=hint)


class _Range(Fitting):
    """The smallest and largest value of each number of a sample, missing ones left out."""

    def __init__(self) -> None:
        self.low: Any = np.inf
        self.high: Any = -np.inf

    def update(self, x: Array) -> None:
        """Add rows."""
        self.add(finite_numbers(x, whole=False))

    def add(self, values: Array) -> None:
        """Add rows of float64 that may be overwritten."""
        self.low = np.fmin(self.low, np.fmin.reduce(values, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(values, axis=0))

    def result(self) -> TransformState:
        """Return the minimum and maximum."""
        if np.any(self.low > self.high):
            raise empty_column()
        return {"min": saved(self.low), "max": saved(self.high)}


class Moments(_Range):
    """The mean of each number of a sample and, if squared, the std, missing values left out.

    Parts are joined as by Chan, Golub and LeVeque (1979), which loses no digits to a large mean.
    """

    def __init__(self, *, squared: bool) -> None:
        super().__init__()
        self._squared = squared
        self._count: Any = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, values: Array) -> None:
        """Add rows of float64, which are overwritten."""
        super().add(values)
        if self._squared and max(np.max(self.high), -np.min(self.low)) > LARGEST:
            require_squares(values)
        count, total = np.asarray(len(values)), values.sum(axis=0)
        gaps = np.isnan(total).any()
        if gaps:
            there = ~np.isnan(values)
            count, total = there.sum(axis=0), values.sum(axis=0, where=there)
        mean = total / np.maximum(count, 1)
        share = count / np.maximum(self._count + count, 1)
        if self._squared:
            values -= mean
            if gaps:
                np.nan_to_num(values, copy=False)
            between = (mean - self._mean) ** 2 * (self._count * share)
            self._squares = self._squares + np.einsum("i...,i...->...", values, values) + between
        self._mean = self._mean + (mean - self._mean) * share
        self._count = self._count + count

    def result(self) -> TransformState:
        """Return mean and std, or the mean alone as the value of `impute`."""
        super().result()
        constant = self.low == self.high
        mean = np.where(constant, self.low, self._mean)
        if not self._squared:
            return {"value": saved(mean)}
        require_spread(self.low, self.high)
        std = np.where(constant, 1.0, np.sqrt(self._squares / self._count))
        return {"mean": saved(mean), "std": saved(std)}


class Standardize(NumberTransform):
    """y = (x - mean) / std of the training data, for each number of a sample separately.

    The std is the population std (divided by n); if it is 0, because all values are equal, 1 is
    used instead, so y is 0. Missing values are ignored and stay missing.
    """

    type = "standardize"
    examples = ({}, {"columns": ["age", "income"]})
    other_types = ("standard_scaler", "zscore", "z_score", "scale", "scaler")

    def fitting(self) -> Fitting:
        """Begin a fit in parts."""
        return Moments(squared=True)

    def fit(self, x: Array) -> TransformState:
        """Return mean and std."""
        values = finite_numbers(x)
        require_squares(values)
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        require_spread(low, high)
        constant = high == low  # rounding would falsify its mean and std
        mean = np.where(constant, low, np.nanmean(values, axis=0))
        std = np.where(constant, 1.0, np.nanstd(values, axis=0))
        return {"mean": saved(mean), "std": saved(std)}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        require_shape(x, state["mean"])
        y: Array = x - state["mean"]
        y /= state["std"]
        return y

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x = y * std + mean."""
        x: Array = y * state["std"]
        x += state["mean"]
        return x


class MinMax(NumberTransform):
    """y = low + (x - min) / (max - min) * (high - low), of the training data's min and max.

    Each feature is scaled separately. If all values are equal, y is low. Missing values stay
    missing; other data may fall outside the range.
    """

    type = "min_max"
    examples = ({}, {"low": -1.0, "high": 1.0})
    other_types = ("min_max_scaler",)

    low: float = Field(default=0.0, description="what the smallest value becomes")
    high: float = Field(default=1.0, description="what the largest value becomes")
    clip: bool = Field(default=False, description="whether to clip other data to the range")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g} must be less than high = {self.high:g}")
        return self

    def fitting(self) -> Fitting:
        """Begin a fit in parts."""
        return _Range()

    def fit(self, x: Array) -> TransformState:
        """Return the minimum and maximum."""
        values = finite_numbers(x)
        return {"min": saved(np.nanmin(values, axis=0)), "max": saved(np.nanmax(values, axis=0))}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        span = np.subtract(state["max"], state["min"])
        require_shape(x, state["min"])
        y: Array = (x - state["min"]) / np.where(span == 0, 1.0, span)
        y *= self.high - self.low
        y += self.low
        return np.clip(y, self.low, self.high, out=y) if self.clip else y

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x = min + (y - low) / (high - low) * (max - min)."""
        x: Array = (y - self.low) * (
            np.subtract(state["max"], state["min"]) / (self.high - self.low)
        )
        x += state["min"]
        return x


class Log(NumberTransform):
    """y = log(x + shift), for numbers that vary over orders of magnitude, such as prices.

    With shift = 1, x may be 0. Missing values stay missing. It learns nothing from the data.
    """

    type = "log"
    examples = ({}, {"columns": ["income"], "shift": 1.0})

    shift: float = Field(default=0.0, ge=0, description="number to add to each value first")

    def suits(self, column: Array) -> bool:
        """Return whether the column holds floats or integers, all greater than -shift."""
        return super().suits(column) and not (column <= -self.shift).any()

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above.

        Raises:
            ColumnError: a number is not greater than -shift.
        """
        y = as_floats(x)
        wrong = in_rows(y <= -self.shift).any(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            least = f"greater than {-self.shift:g}" if self.shift else "positive"
            value = float(in_rows(y)[row].min())
            hint = "leave the column out, or raise shift"
            raise ColumnError(f"is {value:g}, but must be {least}", row, hint)
        y += self.shift
        return np.log(y, out=y)

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x = exp(y) - shift."""
        x: Array = np.exp(y)
        x -= self.shift
        return x


class SignedLog(NumberTransform):
    """y = sign(x) * log(1 + |x| / scale), for numbers of any sign over orders of magnitude.

    Nearly x / scale for |x| much smaller than scale, logarithmic beyond: balances, or amounts of
    which many are 0. Missing values stay missing. It learns nothing from the data.
    """

    type = "signed_log"
    examples = ({}, {"columns": ["balance"], "scale": 100.0})

    scale: float = Field(default=1.0, gt=0, description="the size of numbers taken as small")

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        values = as_floats(x)
        y: Array = np.copysign(np.log1p(np.abs(values) / self.scale), values)
        return y

    def inverse(self, y: Array, state: TransformState) -> Array:
        """Return x = sign(y) * scale * (exp(|y|) - 1)."""
        x: Array = np.copysign(np.expm1(np.abs(y)) * self.scale, y)
        return x
