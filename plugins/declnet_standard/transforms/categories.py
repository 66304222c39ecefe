"""The categories of a column, as one_hot and ordinal find them."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from declnet import Array, ColumnError, distinct_values, missing_values

Missing = Callable[[int], int]


def found_categories(x: Array, most: int) -> list[Any]:
    """The sorted distinct values of a column of the training data (n,).

    Args:
        x: text, integers or booleans; floats if they are whole numbers.
        most: how many there may be.

    Raises:
        ColumnError: there are more, none at all, or the column is not of that sort.
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
    """Which category each row has.

    Returns:
        Positions (n,), -1 for what is missing or no category, and where something is missing (n,).
    """
    position_of = {category: position for position, category in enumerate(categories)}
    values = _whole(x).tolist()
    found = np.fromiter(map(position_of.get, values, repeat(-1)), np.int64, len(values))
    missing = missing_values(x)
    found[missing] = -1
    return found, missing


def refuse(x: Array, wrong: Array, message: str, hint: str) -> None:
    """Raises ColumnError at the first row that is wrong, if there is any."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ColumnError(message.format(shown(x[row])), row, hint)


def shown(category: Any) -> str:
    """A category in words."""
    value = category.item() if isinstance(category, np.generic) else category
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(x: Array) -> Array:
    """A column of categories; raises ColumnError if it has fractions or several numbers a row."""
    if x.ndim != 1:
        raise ColumnError("has several numbers a row, which are no categories")
    if x.dtype.kind != "f":
        return x
    broken = ~np.isnan(x) & ~(np.isfinite(x) & (np.floor(x) == x))
    refuse(x, broken, "is {}, but categories are text or whole numbers", "name other columns")
    return x
