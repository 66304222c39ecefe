"""The columns of a table that a source reads: targets, features, and what their cells mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.table import CellFormat, ColumnType, Table, missing_values
from declnet.errors import DataError, KeyPath


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ValueError(f'duplicate name "{name}"')
    return names


MOST_EXACT = 2.0**53
"""Floats below this hold integers exactly."""

ColumnNames = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct)]
"""A field for the names of columns or arrays, at least one, all different."""


class TableColumns(DataSource):
    """The choice of a table's columns, and of the rows that have targets."""

    _infers_types: ClassVar[bool] = False
    """Whether cells are text, and decide the types of columns."""

    target: str | None = Field(default=None, description="the column to predict")
    targets: ColumnNames | None = Field(
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

    _known_types: dict[str, ColumnType] = PrivateAttr(default_factory=dict)
    _only: frozenset[str] | None = PrivateAttr(default=None)
    _reports_unusable: bool = PrivateAttr(default=False)
    _marks_unreadable: bool = PrivateAttr(default=False)
    _copies: bool = PrivateAttr(default=True)

    @model_validator(mode="after")
    def _target_or_targets(self) -> Self:
        if self.targets is not None and self.target is not None:
            raise ValueError("a table has either target or targets")
        return self

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns to predict."""
        return self.targets or (() if self.target is None else (self.target,))

    @property
    def required_columns(self) -> frozenset[str]:
        """The columns that the source or its user names, which must exist."""
        return frozenset(self._places)

    @property
    def _places(self) -> dict[str, KeyPath]:
        """The keys that name the required columns."""
        places: dict[str, KeyPath] = {} if self.target is None else {self.target: ("target",)}
        for key, columns in (("targets", self.targets), ("features", self.features)):
            for position, name in enumerate(columns or ()):
                places.setdefault(name, (key, position))
        for name in sorted(self._only or ()):
            places.setdefault(name, ())
        for name in self._declared_types:
            places.setdefault(name, ("types", name))
        return {name: place for name, place in places.items() if self.needs(name)}

    @property
    def known_types(self) -> Mapping[str, ColumnType]:
        """The types of columns in the training data, if `with_types` was given them."""
        return self._known_types

    @property
    def cell_format(self) -> CellFormat:
        """How the cells of text are written."""
        commas = (name for name, kind in self._declared_types.items() if kind == "comma_number")
        return CellFormat(self.missing, getattr(self, "decimal", "."), tuple(commas))

    def needs(self, name: str) -> bool:
        """Return whether a column has to be read."""
        return self._only is None or name in self._only

    def requires(self, name: str) -> bool:
        """Return whether it is an error if no table can hold a column.

        The other columns are left out, by default none unless the source names its features.
        """
        listed = self.features is not None or self._only is not None
        return not (listed or self._reports_unusable) or name in self.required_columns

    def with_columns(self, names: Collection[str]) -> Self:
        """Return a source of only these columns, which must exist."""
        features = tuple(name for name in self.features or () if name in names)
        other = self.model_copy(update={"features": features or None})
        other._only = frozenset(names)
        return other

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:
        """Return a source whose columns have the types of the training data."""
        return self._with(_known_types=dict(types))

    def with_detected_format(self) -> Self:
        """Return this source with settings detected from its data, for `declnet new`.

        Default: it leaves out columns of values that no table can hold, e.g. lists, with a note.
        Override this also for formats that do not describe themselves, e.g. their delimiter.
        """
        return self._with(_reports_unusable=True)

    def with_unreadable_cells(self) -> Self:
        """Return a source that marks values that cannot be cells, e.g. lists."""
        return self._with(_marks_unreadable=True)

    def without_copies(self) -> Self:
        """Return a source that reads each block where it is stored."""
        return self._with(_copies=False)

    def without_unlabeled_rows(self) -> Self:
        """Return a source that leaves out rows without a target."""
        return self.model_copy(update={"missing_target": "leave_out"})

    def _with(self, **attributes: Any) -> Self:
        """Return a copy with other private attributes."""
        other = self.model_copy()
        for name, value in attributes.items():
            setattr(other, name, value)
        return other

    def missing_column_hint(self, names: Sequence[str]) -> str | None:  # noqa: ARG002
        """Return why the names of a file's columns may be wrong; default: None, unknown."""
        return None

    def require_columns(self, names: Sequence[str]) -> None:
        """Check that a table with these columns has all that the source or its user names.

        Raises:
            DataError: a column is missing; the hint suggests a similar name.
        """
        known = dict.fromkeys(names)  # a list would be searched once per feature
        for name, place in self._places.items():
            if name not in known:
                raise _no_column(name, known, place, self.missing_column_hint(names))

    @property
    def _declared_types(self) -> Mapping[str, str]:
        """The types that the spec declares, in a table whose cells are text."""
        return getattr(self, "types", {})

    def _table(self, columns: Mapping[str, Array], rows: range | None = None) -> Table:
        """Return columns, whose text is trimmed, as a table of rows with these numbers."""
        return Table(
            columns,
            self.target,
            self.features,
            None if rows is None else np.array(rows),
            targets=self.targets or (),
            cells=self.cell_format,
            trimmed=True,
        )

    @property
    def _leaves_out(self) -> bool:
        """Whether rows that lack any of the targets are left out."""
        return bool(self.target_columns) and self.missing_target == "leave_out"

    def _has_targets(self, columns: Mapping[str, Array]) -> Array:
        """Return which rows (n,) are not left out for a missing target."""
        if not self._leaves_out:
            return np.ones(len(next(iter(columns.values()))), bool)
        gaps = [missing_values(columns[name]) for name in self.target_columns]
        there: Array = ~np.logical_or.reduce(gaps)
        return there

    def _labeled(
        self, parts: Iterable[Table], integers: Collection[str] | None = None
    ) -> Iterator[Table]:
        """Yield parts of a table, without rows that lack any of the targets if requested.

        Args:
            parts: the parts.
            integers: the columns that hold integers, even where they are floats because values are
                missing; default: those whose numbers are integral.

        Raises:
            DataError: no row is left.
        """
        columns = self.target_columns
        is_any = False
        for part in parts:
            has_targets = self._has_targets(part.columns)
            is_any = is_any or bool(has_targets.any())
            if has_targets.all():
                yield part
            elif has_targets.any():
                yield _without_gaps(part, has_targets, columns, integers)
        if not is_any and self._leaves_out:
            listed = '" and "'.join(columns)
            raise DataError(
                f'no row has a value for the target "{listed}"',
                path=("target" if self.targets is None else "targets",),
            )


def _without_gaps(
    table: Table, has_targets: Array, targets: Sequence[str], integers: Collection[str] | None
) -> Table:
    """Return the rows that have a target; targets of integers are no longer floats."""
    table = table.take(np.flatnonzero(has_targets))
    columns = dict(table.columns)
    for name in targets:
        column = columns[name]
        may_be_integers = column.dtype.kind == "f" and (integers is None or name in integers)
        if may_be_integers and ((np.abs(column) < MOST_EXACT) & (column % 1 == 0)).all():
            columns[name] = column.astype(np.int64)
    return replace(table, columns=columns)


def _no_column(name: str, names: Collection[str], place: KeyPath, hint: str | None) -> DataError:
    """Return the error for a column that does not exist, with a suggestion."""
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1, cutoff=0.7)
    listed = ", ".join(islice(names, 20)) + (", …" if len(names) > 20 else "")
    meant = hint or (f'did you mean "{close[0]}"?' if close else f"columns: {listed}")
    message = f'there is no column "{name}"'
    return DataError(message, hint=meant, path=place, code="E034", column=name)
