"""Categories of a column, for one_hot and ordinal."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from declnet import Array, ColumnError, distinct_values, missing_values

Missing = Callable[[int], int]


def found_categories(x: Array, most: int) -> list[Any]:
    """Return the sorted distinct values of a training data column (n,).

    Args:
        x: text, integers or booleans; floats if they are whole numbers.
        most: the maximum number of categories.

    Raises:
        ColumnError: there are more or none, or the column has another type.
    """
    categories = distinct_values(_whole(x))
    if not categories:
        raise ColumnError("is empty: all of it is missing", hint="leave it out of the features")
    if len(categories) > most:
        raise ColumnError(
            f"has {len(categories)} categories, more than {most}",
            hint="leave it out of the features, or raise most_categories",
        )
    return categories


def positions_of(x: Array, categories: Sequence[Any]) -> tuple[Array, Array]:
    """Return the category of each row.

    Returns:
        Positions (n,), -1 for missing or unknown values, and a mask of missing values (n,).
    """
    position_of = {category: position for position, category in enumerate(categories)}
    values = _whole(x).tolist()
    found = np.fromiter(map(position_of.get, values, repeat(-1)), np.int64, len(values))
    missing = missing_values(x)
    found[missing] = -1
    return found, missing


def refuse(x: Array, wrong: Array, message: str, hint: str) -> None:
    """Raise ColumnError for the first invalid row, if any."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ColumnError(message.format(shown(x[row])), row, hint)


def shown(category: Any) -> str:
    """Return a category as text."""
    value = category.item() if isinstance(category, np.generic) else category
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(x: Array) -> Array:
    """Return a categorical column; raise ColumnError for fractions or several numbers per row."""
    if x.ndim != 1:
        raise ColumnError("has several numbers per row, which cannot be categories")
    if x.dtype.kind != "f":
        return x
    broken = ~np.isnan(x) & ~(np.isfinite(x) & (np.floor(x) == x))
    refuse(x, broken, "is {}, but categories are text or whole numbers", "name other columns")
    return x
