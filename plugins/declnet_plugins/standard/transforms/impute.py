"""Missing values: imputation, and indicators."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, ColumnError, Fitting, Transform, TransformState, missing_values
from declnet_plugins.standard.transforms.scaling import (
    Moments,
    NumberTransform,
    empty_column,
    finite_numbers,
    in_rows,
    joint_numbers,
    saved,
)


class Impute(Transform):
    """y = x, but a value of the training data where x is missing.

    Text has neither mean nor median, so its most frequent value is used, the smallest in a tie.
    Columns without gaps in the training data are filled in the same way.
    """

    type = "impute"
    examples = (
        {},
        {"strategy": "median", "infinite": True},
        {"strategy": "constant", "value": "unknown"},
    )
    other_types = ("imputer", "simple_imputer", "fillna")
    other_keys = {"fill_value": "value"}

    strategy: Literal["mean", "median", "most_frequent", "constant"] = Field(
        default="mean", description="what to fill gaps with"
    )
    value: float | str | None = Field(
        default=None,
        description="for constant: a number fills columns of numbers, a text columns of text",
    )

    infinite: bool = Field(default=False, description="whether infinite numbers count as missing")

    @model_validator(mode="after")
    def _value_with_constant(self) -> Self:
        if (self.strategy == "constant") != (self.value is not None):
            raise ValueError('a value requires strategy = "constant", and the reverse')
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the strategy has a value for the column."""
        if self.strategy == "constant":
            return (column.dtype.kind == "O") == isinstance(self.value, str)
        return column.dtype.kind in "fiubO"

    def fitting(self) -> Fitting | None:
        """Begin a fit in parts, of the mean of numbers; other strategies need all rows."""
        return _Means(self) if self.strategy == "mean" else None

    def fit(self, x: Array) -> TransformState:
        """Return the value."""
        if self.strategy == "constant":
            if not self.suits(x):
                kind = "text" if x.dtype.kind == "O" else "numbers"
                raise ColumnError(f"holds {kind}, which {self.value!r} cannot fill")
            return {"value": self.value}
        if x.dtype.kind == "O":
            return {"value": _most_frequent(x[~missing_values(x)])}
        values = finite_numbers(self.finite(x))
        if self.strategy == "most_frequent":
            flat = in_rows(values).T
            modes = [_most_frequent(column[~np.isnan(column)]) for column in flat]
            return {"value": saved(np.array(modes, float).reshape(values.shape[1:]))}
        average = np.nanmean if self.strategy == "mean" else np.nanmedian
        return {"value": saved(average(values, axis=0))}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return x with its gaps filled."""
        y, value = self.finite(x), state["value"]
        gaps = missing_values(y)
        if y.dtype.kind == "f":
            filled: Array = np.where(gaps, value, y).astype(x.dtype, copy=False)
            return filled
        y = y.copy()
        if y.dtype.kind == "O":
            y[gaps] = value
        return y

    def joint_state(self, states: Sequence[TransformState]) -> TransformState | None:
        """Return an array of the values, if they are numbers."""
        are_texts = any(isinstance(state["value"], str) for state in states)
        return None if are_texts else joint_numbers(states)

    def finite(self, x: Array) -> Array:
        """Return x with infinities replaced by NaN if requested, else x itself."""
        if not self.infinite or x.dtype.kind != "f":
            return x
        y: Array = np.where(np.isinf(x), np.nan, x)
        return y


class _Means(Fitting):
    """The mean of numbers, or the most frequent text."""

    def __init__(self, impute: Impute) -> None:
        self._impute, self._moments = impute, Moments(squared=False)
        self._texts: Counter[str] | None = None

    def update(self, x: Array) -> None:
        """Add rows."""
        if x.dtype.kind == "O":
            self._texts = self._texts or Counter()
            self._texts.update(x[~missing_values(x)].tolist())
        else:
            self._moments.update(self._impute.finite(x))

    def result(self) -> TransformState:
        """Return the value."""
        if self._texts is None:
            return self._moments.result()
        if not self._texts:
            raise empty_column()
        most = max(self._texts.values())
        return {"value": min(text for text, count in self._texts.items() if count == most)}


def _most_frequent(there: Array) -> Any:
    if not there.size:
        raise empty_column()
    values, counts = np.unique(there, return_counts=True)
    return values[np.argmax(counts)]


class MissingIndicator(NumberTransform):
    """y = x and, for each number that is missing in the training data, 1 where it is, else 0.

    Numbers that are missing in the same rows, such as the parts of a date, share an indicator.
    Missing values stay missing, for `impute` to fill; a column without gaps in the training data is
    unchanged. After a transform that scales, the indicators remain 0 and 1. Text needs none:
    `impute` can make what is missing a category, as can `one_hot` and `ordinal`.

    As scikit-learn's SimpleImputer(add_indicator=True).
    """

    type = "missing_indicator"
    examples = ({}, {"columns": ["age", "income"]})

    def fit(self, x: Array) -> TransformState:
        """Return the positions in a row of the numbers that get an indicator."""
        if not (x.dtype.kind == "f" and np.isnan(x).any()):
            return {"numbers": []}
        if x.ndim > 2:
            raise ColumnError(f"has missing values in samples of shape {x.shape[1:]}")
        numbers: dict[bytes, int] = {}  # the first one of each pattern
        for position, gaps in enumerate(np.isnan(in_rows(x)).T):
            if gaps.any():
                numbers.setdefault(gaps.tobytes(), position)
        return {"numbers": list(numbers.values())}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return floats (n, numbers + indicators); a copy of x if no column has an indicator."""
        if not state["numbers"]:
            return x.copy()
        if x.dtype.kind == "O":
            raise ColumnError("is text", hint="name columns of numbers")
        rows = in_rows(x.astype(float))
        return np.concatenate([rows, np.isnan(rows[:, state["numbers"]])], axis=1)

    def joint_state(self, states: Sequence[TransformState]) -> TransformState | None:
        """Return the state without indicators, if none of the columns has one."""
        return None if any(state["numbers"] for state in states) else {"numbers": []}

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names such as `age` and `age.missing`."""
        return (*names, *(f"{names[number]}.missing" for number in state["numbers"]))

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless the numbers are positions."""
        if not all(type(number) is int and number >= 0 for number in state["numbers"]):
            raise ValueError("numbers are positions, from 0")
