"""Transform: prepares columns before the model sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from declnet.contracts.annotations import Misfit, require_rows
from declnet.contracts.arrays import Array, ColumnArray, Size
from declnet.contracts.component import Component
from declnet.contracts.network.inputs import lengths_of, weights_of
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.serialization import NotPlainError, StoredState, stored_copy
from declnet.errors import DeclnetError, RegistryError

TransformState = StoredState
"""What a transform learned from a column: values by name that a file can hold, as `to_plain`."""


def require_storable(state: TransformState) -> None:
    """Raise Misfit unless a state holds only values that can be stored with the run."""
    try:
        stored_copy(dict(state))
    except NotPlainError as error:
        raise Misfit("what cannot be stored with the run", f": {error}") from None


class ColumnError(DeclnetError):
    """A column cannot be transformed.

    Attributes:
        message: what is wrong, without the column's name, e.g. `is missing`.
        row: the position of the first offending row, from 0; None for the whole column.
        hint: what to do about it.
    """

    exit_code = 2

    def __init__(self, message: str, row: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.row, self.hint = message, row, hint


@dataclass(frozen=True, eq=False)
class Sequences:
    """A transformed column of sequences, padded at the end to the same number of positions.

    Attributes:
        values: (n, time, …), e.g. an integer for each word of a text.
        lengths: integers (n,): how many positions of each row are not padding, 0 to time.
        weights: floats (n, time), a weight for each position, 0 for padding; None if positions have
            no weights.
    """

    values: ColumnArray
    lengths: Array
    weights: Array | None = None

    def verified(self) -> Self:
        """Return these sequences; raise Misfit if values, lengths and weights do not fit."""
        values, lengths, weights = self.values, self.lengths, self.weights
        if values.ndim < 2:
            raise Misfit.of(values, "sequences of shape (n, time, …)")
        rows, steps = values.shape[:2]
        if lengths.dtype.kind not in "iu" or lengths.shape != (rows,):
            raise Misfit.of(lengths, f"lengths as integers of shape ({rows},)")
        if rows and not 0 <= lengths.min() <= lengths.max() <= steps:
            raise Misfit.of(lengths, f"lengths from 0 to {steps}")
        if weights is not None:
            if weights.dtype.kind != "f" or weights.shape != (rows, steps):
                raise Misfit.of(weights, f"weights as floats of shape ({rows}, {steps})")
            if not np.isfinite(weights).all():
                raise Misfit.of(weights, "finite weights")
        return self

    def other_inputs(self, name: str) -> dict[str, Array]:
        """Return the inputs for lengths and weights, given the name of the values' input."""
        lengths = {lengths_of(name): self.lengths}
        return lengths if self.weights is None else {**lengths, weights_of(name): self.weights}


class Fitting:
    """A fit of a transform to a column that arrives in parts, in memory of bounded size."""

    def update(self, x: Array) -> None:
        """Add rows of the column, as `Transform.fit` gets them.

        Raises:
            ColumnError: as for `Transform.fit`; the row is the position in x.
        """
        raise NotImplementedError

    def result(self) -> TransformState:
        """Return what `Transform.fit` returns for all rows, up to rounding.

        Raises:
            ColumnError: nothing can be learned from the column.
        """
        raise NotImplementedError


class Transform(Component):
    """A transformation of single columns, fitted on the training data and applied to all data.

    A column is an array (n, …): floats (NaN if missing), integers, booleans, or text as an object
    array of `str | None`. Data that is not a table is one column, called `x`, of shape
    (n, *sample shape). What a transform learns is in the state that `fit` returns, never on the
    instance.
    """

    kind = "transform"
    conformance_checks = "declnet.testing.checks.transforms"
    required_methods = ("suits",)

    training_only: ClassVar[bool] = False
    """Whether it applies only to training batches, at random, e.g. to shift images. It then
    implements `vary` instead of `fit` and `apply`."""

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="columns to transform; default: all suitable ones"
    )

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also if it lacks `vary` or `apply`, as `training_only` demands."""
        super().verify_contract()
        method = "vary" if cls.training_only else "apply"
        if getattr(cls, method) is getattr(Transform, method):
            raise RegistryError(f"{cls.__name__} has no {method}(), which such a transform needs")

    def suits(self, column: Array) -> bool:
        """Return whether it applies to such a column by default."""
        raise NotImplementedError

    def fit(self, x: Array) -> TransformState:  # noqa: ARG002
        """Return what it learns from a column of the training data; default: nothing.

        Raises:
            ColumnError: nothing can be learned from the column.
        """
        return {}

    def verify_fit(self, state: TransformState, *_: Any) -> None:
        """Raise Misfit for a state that cannot be stored with the run."""
        require_storable(state)

    def fitting(self) -> Fitting | None:
        """Begin a fit to a column that arrives in parts; default: None, `fit` needs all rows.

        Data with `data.stream` is larger than memory: a transform without this is then fitted to a
        random sample of the rows.
        """
        return None

    def apply(self, x: Array, state: TransformState) -> ColumnArray | Sequences:
        """Return the transformed column, (n, …), in a new array; rows must be independent.

        A column of `Sequences` is a separate input of the model. Lengths, and any weights, are
        further ones, which layers may read. All have as many positions as the training data's.

        Args:
            x: a column of the same type as in `fit`, of any length, also 0; only read. Integers and
                booleans with missing values are passed as floats.
            state: as returned by `fit`.

        Raises:
            ColumnError: a row cannot be transformed.
        """
        raise NotImplementedError

    def verify_apply(self, column: Array | Sequences, x: Array, *_: Any) -> None:
        """Raise Misfit unless there is a row for each row of the column."""
        require_rows(column.values if isinstance(column, Sequences) else column, len(x))

    def ready_state(self, state: TransformState) -> Mapping[str, Any]:
        """Return the state with what follows from it alone, for many calls; default: as it is.

        For example, a dict with the position of each category. Only `apply` gets it, which must
        take the state that `fit` returns too. It is not stored, and threads share it.

        Args:
            state: as returned by `fit`.
        """
        return state

    def joint_state(self, states: Sequence[TransformState]) -> TransformState | None:  # noqa: ARG002
        """Return the state that transforms several columns of a table together; default: None.

        `apply` then gets columns (n,) of the same type as one array (n, columns), and its result
        has this shape, and in each column the bits that the column's own state gives. Rows of many
        columns are prepared several times faster.

        Args:
            states: the state of each column, at least one.

        Returns:
            None if one of the columns must be transformed alone.
        """
        return None

    def inverse(self, y: Array, state: TransformState) -> ColumnArray:
        """Return x, given y = apply(x); for transforms that can prepare a target.

        It turns a model's predictions back into the target's units, in a new array.

        Args:
            y: predictions (n, …), floats; (n, k) of a target (n,) if a loss predicts several
                numbers for it, e.g. quantiles. Only read.
            state: as returned by `fit`, from the target's values in the training data.
        """
        raise NotImplementedError

    def verify_inverse(self, x: Array, y: Array, *_: Any) -> None:
        """Raise Misfit unless there is a row for each row."""
        require_rows(x, len(y))

    def vary(self, x: Array, rng: np.random.Generator) -> None:
        """Change a batch of the training data in place; for `training_only` transforms.

        Args:
            x: prepared samples (n, *sample shape) in the model's type, in any memory order.
            rng: the stream that all such transforms share; the only source of randomness to use.
        """
        raise NotImplementedError

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:  # noqa: ARG002
        """Return a name for each number in a transformed row; default: the names unchanged."""
        return names

    def levels(self, state: TransformState) -> Size | None:  # noqa: ARG002
        """Return how many integers a transformed row can be, 0 to levels - 1; default: unknown.

        A layer that looks integers up, such as an embedding, learns its size from this. All
        positions of `Sequences` share these integers.
        """
        return None

    def known_values(self, state: TransformState) -> tuple[Any, ...] | None:  # noqa: ARG002
        """Return the values of a column that it learned to tell apart; default: None, any value.

        Descriptions of a model's columns list them, e.g. the OpenAPI document of `declnet serve`.
        Predictions from a column for which this is not None count cells that no row of the training
        data has.
        """
        return None

    def verify_state(self, state: TransformState) -> None:
        """Raise ValueError unless `apply` can use a state read back from a file.

        A run's folder may have been edited or damaged; default: every state is accepted.
        """


def apply_to_array(transform: Transform, x: Array, state: TransformState) -> Array:
    """Return a transformed column that may not become sequences, e.g. a target, verified."""
    column = verified(Transform.apply, transform, x, state)
    if isinstance(column, Sequences):
        raise BrokenContractError(transform, "apply", "returned sequences, not an array")
    return column
