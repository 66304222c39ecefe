"""Transform: prepares columns before the model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from declnet.components.arrays import Array
from declnet.components.component import Component

TransformState = Mapping[str, Any]
"""What a transform learned of a column: JSON values, and NumPy arrays, by name."""


class ColumnError(ValueError):
    """A column cannot be transformed.

    Attributes:
        message: what is wrong, without the column's name, e.g. `is missing`.
        row: the position of the first row at fault, from 0; None if it is the whole column.
        hint: what to do about it.
    """

    def __init__(self, message: str, row: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.row, self.hint = message, row, hint


class Transform(Component):
    """A change of single columns, fitted on the training data and applied alike to all data.

    A column is an array (n, …): floats with NaN for what is missing, integers, booleans, or text as
    an object array of `str | None`. Data that is no table is one column, called `x`, of shape
    (n, *sample shape). What a transform learns is in the state that `fit` returns, never on itself.
    """

    kind = "transform"
    required_methods = ("suits", "apply")

    training_only: ClassVar[bool] = False
    """Whether it changes only what the model learns from, e.g. by shifting images at random."""

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="which columns; default: all that it suits"
    )

    def suits(self, column: Array) -> bool:
        """Whether it is meant for such a column, so that it takes it without being told to."""
        raise NotImplementedError

    def fit(self, x: Array) -> TransformState:  # noqa: ARG002
        """Learns from a column of the training data; default: there is nothing to learn.

        Raises:
            ColumnError: nothing can be learned from it.
        """
        return {}

    def apply(self, x: Array, state: TransformState) -> Array:
        """The changed column, (n, …), in an array of its own; each row depends on itself alone.

        Args:
            x: a column of the same type as that of `fit`, of any length; only read. Integers and
                booleans of which something is missing come as floats.
            state: as `fit` returned it.

        Raises:
            ColumnError: a row cannot be transformed.
        """
        raise NotImplementedError

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:  # noqa: ARG002
        """Names for the numbers of a row of the changed column; default: the names before."""
        return names
