"""Table: rows and columns, as read by a data source, and profiles of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np

from declnet.contracts.annotations import ArrayOf, Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.data.sample_arrays import SampleArrays
from declnet.errors import DataError

ColumnType = Literal["number", "integer", "boolean", "text"]

_TYPES: dict[str, ColumnType] = {
    "f": "number",
    "i": "integer",
    "u": "integer",
    "b": "boolean",
    "O": "text",
}


def column_type(column: Array) -> ColumnType:
    """Return whether a column holds numbers (floats), integers, booleans or text (objects).

    Raises:
        ValueError: the column holds anything else.
    """
    if column.dtype.kind not in _TYPES:
        raise ValueError(f"a column cannot hold {column.dtype}")
    return _TYPES[column.dtype.kind]


def class_name(value: Any) -> str:
    """Return the name of a class or category: its text, and for booleans `true` or `false`."""
    plain = value.item() if isinstance(value, np.generic) else value
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def missing_values(column: Array) -> Array:
    """Return a boolean mask of the missing values (NaN or None) in a column (n, …)."""
    if column.dtype.kind == "f":
        missing: Array = np.isnan(column)
    elif column.dtype.kind == "O":
        missing = (column == None).astype(bool)  # noqa: E711  # elementwise
    else:
        missing = np.zeros(column.shape, bool)
    return missing


def unmasked(column: np.ma.MaskedArray[Any, Any]) -> Array:
    """Return a column as a plain array; masked values become missing (NaN or None)."""
    plain, mask = np.asarray(column.data), np.ma.getmaskarray(column)
    if not mask.any():
        return plain
    filled: Array = plain.astype(float if plain.dtype.kind in "fiub" else object)
    filled[mask] = np.nan if filled.dtype.kind == "f" else None
    return filled


def distinct_values(column: Array) -> list[Any]:
    """Return the sorted distinct values of a column (n,), without missing ones.

    Returns:
        Built-in strings, integers, booleans or floats.
    """
    there = column[~missing_values(column)]
    if column.dtype.kind == "O":
        return sorted(set(there.tolist()))
    return list(np.unique(there).tolist())


class UnreadableCell(str):
    """A cell that cannot be read, in a column of text whose errors concern single rows.

    Attributes:
        error: why it cannot be read.
    """

    error: DataError

    def __new__(cls, error: DataError) -> Self:
        """Return a cell with the error's message as text."""
        cell = super().__new__(cls, error.message)
        cell.error = error
        return cell


@dataclass(frozen=True)
class CellFormat:
    """How the cells of text in a table are written.

    Attributes:
        missing: the texts that mean a missing value.
        decimal: the decimal sign of numbers, a point or a comma.
        comma_columns: the columns of numbers with a decimal comma in any case.
    """

    missing: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "?")
    decimal: str = "."
    comma_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnNote:
    """A remark of a data source that inferred how to read a column.

    Attributes:
        text: how it reads the column, e.g. `is read as numbers, with "$"`.
        type: the value for the column in the source's field `types` that confirms it.
    """

    text: str
    type: str = "text"


@dataclass(frozen=True, eq=False)
class Table(SampleArrays):
    """Rows of a table, by columns.

    Attributes:
        columns: each (n,): floats (NaN if missing), integers, booleans, or text as an object array
            of `str | None` (None if missing).
        target: the name of the column to predict; None if there is none, or several.
        features: the columns to predict from, in order; default: all but the targets.
        rows: the number of each row in its original table, for messages; default: 1 to n.
        notes: remarks on how columns were read, which a run's check shows as warnings; for
            `declnet new`, also on columns that were left out.
        targets: the names of several columns to predict, in place of `target`.
        classes: the sorted classes of targets by column, where classes may have no row; default:
            the distinct values of the column in the training data.
        cells: how its cells of text are written.
        trimmed: whether its text has no spaces around it and no text that means a missing value, so
            that this is not checked again.
        spellings: how the values of targets are written in the source, by column, if any of a
            column's is not written as its name, such as `True` or `+1`.
    """

    columns: Mapping[str, Annotated[Array, ArrayOf("fiubO", "numbers or text", 1, masked=True)]]
    target: str | None = None
    features: tuple[str, ...] | None = None
    rows: Array | None = None
    notes: Mapping[str, ColumnNote] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    classes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cells: CellFormat = CellFormat()
    trimmed: bool = False
    spellings: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)

    unit: ClassVar[str] = "row"

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def arrays(self) -> Mapping[str, Array]:
        """The columns."""
        return self.columns

    @property
    def records(self) -> Table:
        """This table."""
        return self

    def with_arrays(self, arrays: Mapping[str, Any], rows: Array | None) -> Table:
        """Return a table with the same columns of other rows."""
        return replace(self, columns=arrays, rows=rows)

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The names of the feature columns, in order."""
        if self.features is not None:
            return self.features
        return tuple(name for name in self.columns if name not in self.target_columns)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The names of the columns to predict."""
        return self.targets or (() if self.target is None else (self.target,))

    @cached_property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column."""
        return {name: column_type(column) for name, column in self.columns.items()}

    def without_masks(self) -> Table:
        """Return this table; masked arrays become plain ones, with missing values."""
        masked = {
            name: unmasked(column)
            for name, column in self.columns.items()
            if isinstance(column, np.ma.MaskedArray)
        }
        return replace(self, columns={**self.columns, **masked}) if masked else self

    def verified(self) -> Table:
        """Return this table without masks; raise Misfit if its columns do not fit together."""
        for name, column in self.columns.items():
            if column.ndim != 1:
                raise Misfit.of(column, "an array (n,)").within(f'column "{name}"')
            if column.dtype.kind == "O" and not {*map(type, column)} <= {str, NoneType}:
                kinds = {type(cell) for cell in column if not isinstance(cell, str | None)}
                if kinds:
                    listed = " and ".join(sorted(kind.__name__ for kind in kinds))
                    fault = f" of objects with {listed}, not text or None"
                    raise Misfit(f'column "{name}"', fault)
        if len({*map(len, self.columns.values())}) > 1:
            lengths = {len(column): name for name, column in self.columns.items()}
            listed = " and ".join(f'"{name}" of {length}' for length, name in lengths.items())
            raise Misfit(f"columns {listed} rows", "")
        return self.without_masks()
