"""Ordinal encoding: integers for categories, also as indices of an embedding."""

from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Transform, TransformState
from declnet_standard.transforms.categories import found_categories, positions_of, refuse


class Ordinal(Transform):
    """An integer for each category of the training data: 0, 1, 2, …, in sorted order.

    With `unknown = "index"`, k categories have the indices 0 to k - 1, and k represents all values
    that are not in the training data; an embedding then needs k + 1 rows.
    """

    type = "ordinal"
    examples = ({}, {"columns": ["word"], "unknown": "index", "missing": "unknown"})

    unknown: Literal["error", "index"] = Field(
        default="error",
        description="a category that the training data does not have: an error with its row, or "
        "one index more",
    )
    missing: Literal["error", "unknown"] = Field(
        default="error", description="what is missing: an error, or as an unknown category"
    )
    most_categories: int = Field(
        default=1_000_000, ge=1, description="of a column; more of them are an error"
    )

    def suits(self, column: Array) -> bool:
        """Return whether the column is text; integer categories must be named in `columns`."""
        return column.dtype.kind == "O"

    def fit(self, x: Array) -> TransformState:
        """Return the categories."""
        self._positions(x, categories := found_categories(x, self.most_categories))
        return {"categories": categories}

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return integers (n,)."""
        positions = self._positions(x, state["categories"])
        return np.where(positions < 0, len(state["categories"]), positions)

    def _positions(self, x: Array, categories: list[object]) -> Array:
        positions, missing = positions_of(x, categories)
        if self.missing == "error":
            hint = 'put "impute" before ordinal, or set missing = "unknown" and unknown = "index"'
            refuse(x, missing, "is missing", hint)
        if self.unknown == "error":
            hint = 'with unknown = "index" it has an index of its own'
            refuse(x, positions < 0, 'is "{}", which the training data does not have', hint)
        return positions
