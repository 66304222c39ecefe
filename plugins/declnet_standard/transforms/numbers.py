"""Helpers for transforms of numeric columns."""

from typing import Any

import numpy as np

from declnet import Array, ColumnError


def is_numeric(column: Array) -> bool:
    """Return whether a column holds floats or integers; booleans do not count."""
    return column.dtype.kind in "fiu"


def finite_numbers(x: Array) -> Array:
    """Return a training data column in float64, with NaN for missing values.

    Raises:
        ColumnError: it holds text or an infinite number, or no values.
    """
    if x.dtype.kind == "O":
        raise ColumnError("is text", hint="name columns of numbers, or put one_hot before")
    values = x.astype(float)
    wild = np.isinf(values).reshape(len(values), -1).any(axis=1)
    if wild.any():
        raise ColumnError("is infinite", int(np.argmax(wild)), "correct it or leave the row out")
    if np.isnan(values).all(axis=0).any():
        raise ColumnError("is empty: all of it is missing", hint="leave it out of the features")
    return values


def saved(values: Any) -> Any:
    """Return a column's statistic as a float, or as a float64 array for several numbers."""
    return float(values) if np.ndim(values) == 0 else np.asarray(values, float)
