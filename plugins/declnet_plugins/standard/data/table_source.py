"""The base of table sources: the choice of target and feature columns."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from declnet import Array, CellFormat, ColumnType, DataError, DataSource, Table, missing_values


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ValueError(f'duplicate name "{name}"')
    return names


EXAMPLE: Mapping[str, tuple[Any, ...]] = {
    "length": (1.5, 2.25, 3.0, 4.75, 2.5, 0.5),
    "color": ("red", None, "blue", "red", "blue", "white"),
    "kind": ("rose", "lily", "iris", "rose", "iris", "lily"),
}
"""The table that the example of each kind of file holds, with a missing value."""

MOST_EXACT = 2.0**53
"""Floats below this hold integers exactly."""

Names = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct)]
"""A field for the names of columns or arrays, at least one, all different."""


class TableSource(DataSource):
    """A table of columns."""

    target: str | None = Field(default=None, description="the column to predict")
    targets: Names | None = Field(
        default=None, description="several columns to predict, each by a loss of its name"
    )
    features: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="the columns to predict from; default: all but the targets",
    )

    missing_target: Literal["error", "leave_out"] = Field(
        default="error", description="what to do with rows that have no target"
    )

    missing: tuple[str, ...] = Field(
        default=CellFormat().missing, description="texts that mean a missing value"
    )

    _settled: dict[str, ColumnType] = PrivateAttr(default_factory=dict)
    """The types of the columns in the training data, if they are known."""
    _only: frozenset[str] | None = PrivateAttr(default=None)
    _reports_unusable: bool = PrivateAttr(default=False)
    """Whether a column that no table can hold becomes a note, unless it is needed."""

    @model_validator(mode="after")
    def _target_or_targets(self) -> Self:
        if self.targets is not None and self.target is not None:
            raise ValueError("a table has either target or targets")
        return self

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns to predict."""
        return self.targets or (() if self.target is None else (self.target,))

    def with_columns(self, names: Collection[str]) -> Self:
        """Return a source of only these columns, which must exist."""
        features = tuple(name for name in self.features or () if name in names)
        other = self.model_copy(update={"features": features or None})
        other._only = frozenset(names)
        return other

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:
        """Return a source whose columns have the types of the training data."""
        other = self.model_copy()
        other._settled = dict(types)
        return other

    @property
    def cell_format(self) -> CellFormat:
        """How the cells of text are written."""
        return CellFormat(self.missing)

    def without_unlabeled_rows(self) -> Self:
        """Return a source that leaves out rows without a target."""
        return self.model_copy(update={"missing_target": "leave_out"})

    def require_columns(self, names: Sequence[str], hint: str | None = None) -> None:
        """Check that the table has the target, the features and all other needed columns.

        Raises:
            DataError: a column is missing; the hint suggests a similar name.
        """
        known = dict.fromkeys(names)  # a list would be searched once per feature
        if self.target is not None:
            require(known, self.target, ("target",), hint)
        for position, name in enumerate(self.targets or ()):
            require(known, name, ("targets", position), hint)
        for position, name in enumerate(self.features or ()):
            require(known, name, ("features", position), hint)
        for name in sorted(self._only or ()):
            require(known, name, (), hint)

    def records(self, columns: Mapping[str, Array]) -> Table:
        """Return columns, whose text is trimmed, as a table."""
        return Table(
            columns,
            self.target,
            self.features,
            targets=self.targets or (),
            cells=self.cell_format,
            trimmed=True,
        )

    @property
    def leaves_out(self) -> bool:
        """Whether rows that lack any of the targets are left out."""
        return bool(self.target_columns) and self.missing_target == "leave_out"

    def has_targets(self, columns: Mapping[str, Array]) -> Array:
        """Return which rows (n,) are not left out for a missing target."""
        if not self.leaves_out:
            return np.ones(len(next(iter(columns.values()))), bool)
        gaps = [missing_values(columns[name]) for name in self.target_columns]
        there: Array = ~np.logical_or.reduce(gaps)
        return there

    def labelled(
        self, parts: Iterable[Table], integers: Collection[str] | None = None
    ) -> Iterator[Table]:
        """Yield chunks of a table, without rows that lack any of the targets if requested.

        Args:
            parts: the chunks.
            integers: the columns that hold integers, even where they are floats because values are
                missing; default: those whose numbers are integral.

        Raises:
            DataError: no row is left.
        """
        columns = self.target_columns
        is_any = False
        for part in parts:
            labelled = self.has_targets(part.columns)
            is_any = is_any or bool(labelled.any())
            if labelled.all():
                yield part
            elif labelled.any():
                yield _without_gaps(part, labelled, columns, integers)
        if not is_any and self.leaves_out:
            listed = '" and "'.join(columns)
            raise DataError(
                f'no row has a value for the target "{listed}"',
                path=("target" if self.targets is None else "targets",),
            )


def _without_gaps(
    table: Table, there: Array, targets: Sequence[str], integers: Collection[str] | None
) -> Table:
    """Return the rows that have a target; targets of integers are no longer floats."""
    table = table.take(np.flatnonzero(there))
    columns = dict(table.columns)
    for name in targets:
        column = columns[name]
        may_be_integers = column.dtype.kind == "f" and (integers is None or name in integers)
        if may_be_integers and ((np.abs(column) < MOST_EXACT) & (column % 1 == 0)).all():
            columns[name] = column.astype(np.int64)
    return replace(table, columns=columns)


def require(
    names: Collection[str], name: str, path: tuple[Any, ...], hint: str | None = None
) -> None:
    """Raise DataError, with a suggestion, if no column has this name."""
    if name in names:
        return
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1, cutoff=0.7)
    shown = ", ".join(islice(names, 20)) + (", …" if len(names) > 20 else "")
    meant = hint or (f'did you mean "{close[0]}"?' if close else f"columns: {shown}")
    message = f'there is no column "{name}"'
    raise DataError(message, hint=meant, path=path, code="E034", column=name)
