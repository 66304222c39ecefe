"""One-hot encoding with signs for two categories."""

from typing import Literal

from pydantic import Field

from declnet import Array, TransformState
from declnet_plugins.standard.transforms.categories import OneHot


class SignedOneHot(OneHot):
    """One column for each category, 1 where a row has it, else 0; for two, one column of 1 and -1.

    Of two categories the first in sorted order is 1. Missing values are 0 in all columns, and so
    are categories that the training data does not have. Text and booleans are categories by
    default. The new columns hold floats, which are scaled like other numbers by transforms that
    follow.

    RealMLP's encoding: Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024,
    arXiv:2407.04491, where columns of numbers and these are scaled together.
    """

    type = "signed_one_hot"
    examples = ({}, {"columns": ["color"], "unknown": "error"})

    missing: Literal["error", "zeros"] = Field(
        default="zeros", description="a missing value: an error with its row, or all zeros"
    )

    def suits(self, column: Array) -> bool:
        """Return whether it is text other than dates, or booleans."""
        return column.dtype.kind == "b" or super().suits(column)

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return floats (n, categories), or (n, 1) for two."""
        rows = super().apply(x, state).astype(float)
        return rows[:, :1] - rows[:, 1:] if rows.shape[1] == 2 else rows

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names of the form `column=category`; of two categories, only the first."""
        features = super().feature_names(names, state)
        return features[::2] if len(state["categories"]) == 2 else features
