"""Transforms with one defect each."""

import numpy as np

from declnet import ColumnError, Transform


def is_number(column):
    """Return whether a column holds numbers."""
    return column.dtype.kind in "fiu"


def numbers(x):
    """Return a column as floats, in a new array; refuse text."""
    if x.dtype.kind not in "fiub":
        raise ColumnError("is text")
    return x.astype(float)


def center_and_spread(x):
    """Return mean and standard deviation of the numbers that are not missing."""
    present = x[~np.isnan(x)]
    if not present.size:
        return {"mean": 0.0, "spread": 1.0}
    middle = float(present.mean())
    return {"mean": middle, "spread": float(np.abs(present - middle).max()) or 1.0}


class SqueezedScale(Transform):
    """The result for a single row has lost its first axis (np.squeeze)."""

    type = "squeezed_scale"

    def suits(self, column):
        return is_number(column)

    def fit(self, x):
        return center_and_spread(numbers(x))

    def apply(self, x, state):
        return np.squeeze((numbers(x) - state["mean"]) / state["spread"])


class Limits(Transform):
    """It returns the input array instead of a new one if there is nothing to clip."""

    type = "limits"

    def suits(self, column):
        return column.dtype.kind == "f"

    def fit(self, x):
        present = numbers(x)[~np.isnan(numbers(x))]
        low, high = (present.min(), present.max()) if present.size else (0.0, 0.0)
        return {"low": float(low), "high": float(high)}

    def apply(self, x, state):
        column = numbers(x)
        outside = (column < state["low"]) | (column > state["high"])
        return np.clip(column, state["low"], state["high"]) if outside.any() else x


class FilledScale(Transform):
    """Missing numbers become 0."""

    type = "filled_scale"

    def suits(self, column):
        return is_number(column)

    def fit(self, x):
        return center_and_spread(numbers(x))

    def apply(self, x, state):
        return np.nan_to_num((numbers(x) - state["mean"]) / state["spread"])


class Codes(Transform):
    """A category that the training data lacks raises a KeyError."""

    type = "codes"

    def suits(self, column):
        return column.dtype.kind == "O" and column.ndim == 1

    def fit(self, x):
        if x.dtype.kind != "O" or x.ndim != 1:
            raise ColumnError("is not a column of text")
        return {"known": sorted({cell for cell in x if cell is not None})}

    def apply(self, x, state):
        if x.dtype.kind != "O" or x.ndim != 1:
            raise ColumnError("is not a column of text")
        numbers_of = {name: at + 1 for at, name in enumerate(state["known"])}
        return np.array([0 if cell is None else numbers_of[cell] for cell in x], dtype=np.int64)

    def levels(self, state):
        return len(state["known"]) + 1

    def known_values(self, state):
        return tuple(state["known"])


class RootOfMagnitude(Transform):
    """The inverse of the signed root is the square, without the sign."""

    type = "root_of_magnitude"

    def suits(self, column):
        return is_number(column)

    def apply(self, x, state):
        column = numbers(x)
        return np.sign(column) * np.sqrt(np.abs(column))

    def inverse(self, y, state):
        return np.square(y)


class MeanOfAll(Transform):
    """The mean of a column with missing numbers is NaN, and so are all results."""

    type = "mean_of_all"

    def suits(self, column):
        return is_number(column)

    def fit(self, x):
        return {"mean": float(np.mean(numbers(x)))}

    def apply(self, x, state):
        return numbers(x) - state["mean"]

    def inverse(self, y, state):
        return y + state["mean"]


DEFECTS = (
    ("A", SqueezedScale),
    ("A", Limits),
    ("A", FilledScale),
    ("B", Codes),
    ("B", RootOfMagnitude),
    ("B", MeanOfAll),
)
