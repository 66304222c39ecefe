"""What several transforms ask of columns of numbers."""

from typing import Any

import numpy as np

from declnet import Array, ColumnError


def is_numeric(column: Array) -> bool:
    """Whether a column holds floats or integers; booleans say yes or no, and are left alone."""
    return column.dtype.kind in "fiu"


def finite_numbers(x: Array) -> Array:
    """A column of the training data in float64, NaN where something is missing.

    Raises:
        ColumnError: it holds text or an infinite number, or nothing at all.
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
    """A figure of a column: a float, or for each number of a sample an array of float64."""
    return float(values) if np.ndim(values) == 0 else np.asarray(values, float)
