"""Transform: prepares columns before the model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.errors import DeclnetError, RegistryError

TransformState = Mapping[str, Any]
"""What a transform learned of a column: JSON values, and NumPy arrays, by name."""


class ColumnError(DeclnetError):
    """A column cannot be transformed.

    Attributes:
        message: what is wrong, without the column's name, e.g. `is missing`.
        row: the position of the first row at fault, from 0; None if it is the whole column.
        hint: what to do about it.
    """

    exit_code = 2

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
    required_methods = ("suits",)

    training_only: ClassVar[bool] = False
    """Whether it changes only what the model learns from, batch by batch and at random, e.g. by
    shifting images: then it has `vary` instead of `fit` and `apply`."""

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="which columns; default: all that it suits"
    )

    @classmethod
    def verify_contract(cls) -> None:
        """As `Component.verify_contract`; `vary` or `apply` is needed, by `training_only`."""
        super().verify_contract()
        method = "vary" if cls.training_only else "apply"
        if getattr(cls, method) is getattr(Transform, method):
            raise RegistryError(f"{cls.__name__} has no {method}(), which such a transform needs")

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

    def vary(self, x: Array, rng: np.random.Generator) -> None:
        """Changes a batch of the training data in place; of transforms that are `training_only`.

        Args:
            x: prepared samples (n, *sample shape) in the model's type, in any memory order.
            rng: the stream of all such transforms of the run; the only randomness to use.
        """
        raise NotImplementedError

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:  # noqa: ARG002
        """Names for the numbers of a row of the changed column; default: the names before."""
        return names
