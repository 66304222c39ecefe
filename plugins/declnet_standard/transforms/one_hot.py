"""One-hot encoding."""

from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Transform, TransformState
from declnet_standard.transforms.categories import found_categories, positions_of, refuse, shown


class OneHot(Transform):
    """One column for each category of the training data: 1 where a row has it, else 0.

    Categories are sorted. The new columns are called `color=red` and so on, and hold booleans,
    which standardize and min_max leave alone.
    """

    type = "one_hot"
    examples = ({}, {"columns": ["color"], "unknown": "error"})

    unknown: Literal["zeros", "error"] = Field(
        default="zeros", description="a category that the training data does not have: all zeros"
    )
    missing: Literal["error", "zeros"] = Field(
        default="error", description="what is missing: an error with its row, or all zeros"
    )
    most_categories: int = Field(
        default=1000, ge=1, description="of a column; more of them are an error"
    )

    def suits(self, column: Array) -> bool:
        """Return whether the column is text; integer categories must be named in `columns`."""
        return column.dtype.kind == "O"

    def fit(self, x: Array) -> TransformState:
        """Return the categories."""
        self._positions(x, categories := found_categories(x, self.most_categories))
        return {"categories": categories}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return booleans (n, categories)."""
        positions = self._positions(x, state["categories"])
        rows: Array = positions[:, None] == np.arange(len(state["categories"]))
        return rows

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names of the form `column=category`."""
        return tuple(f"{name}={shown(each)}" for name in names for each in state["categories"])

    def _positions(self, x: Array, categories: list[object]) -> Array:
        positions, missing = positions_of(x, categories)
        if self.missing == "error":
            refuse(
                x, missing, "is missing", 'put "impute" before one_hot, or set missing = "zeros"'
            )
        if self.unknown == "error":
            unknown = (positions < 0) & ~missing
            refuse(x, unknown, 'is "{}", which the training data does not have', _KNOWN)
        return positions


_KNOWN = 'with unknown = "zeros" it would be all zeros'
