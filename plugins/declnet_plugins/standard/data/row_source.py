"""The base of sources whose rows hold typed values, such as databases and JSON."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import numpy as np
from pydantic import PrivateAttr

from declnet import (
    Array,
    ColumnNote,
    ColumnType,
    DataError,
    Dataset,
    Table,
    as_table,
    missing_values,
)
from declnet_plugins.standard.data.table_source import TableSource

ROWS = 1 << 16
"""Rows that are Python objects at a time."""

Columns = Mapping[str, Sequence[Any]]


class RowSource(TableSource):
    """A table whose rows hold Python values, or None where they are missing."""

    _marks_unreadable: bool = PrivateAttr(default=False)

    def _parts(self, rows: int) -> Iterator[Columns]:
        """Yield the columns in parts of up to `rows` rows; a part may lack columns.

        Raises:
            DataError: the rows cannot be read, or a needed column is in none of them.
        """
        raise NotImplementedError

    def _unusable(self) -> dict[str, str]:
        """Return the columns that no table can have, with the reason, if known before reading."""
        return {}

    def _integers(self) -> Collection[str] | None:
        """Return the columns of integers, also where values are missing; None if not known."""
        return None

    @property
    def _label(self) -> str:
        """What messages call the source."""
        return f'data source "{self.type}"'

    @property
    def _needed(self) -> frozenset[str]:
        """The columns that the source names, which must exist."""
        return frozenset((*self.target_columns, *(self.features or ()), *(self._only or ())))

    def with_detected_format(self) -> Self:
        """Return a source that notes columns of other values, e.g. lists, and leaves them out."""
        other = self.model_copy()
        other._reports_unusable = True
        return other

    def with_unreadable_cells(self) -> Self:
        """Return a source that marks values that are no cells, e.g. lists."""
        other = self.model_copy()
        other._marks_unreadable = True
        return other

    def load(self, rng: np.random.Generator) -> Table:
        """Read the rows; nothing is random."""
        unusable = self._unusable()
        parts = list(self._tables(ROWS, unusable))
        if not parts:
            raise DataError(f"{self._label}: has no rows")
        columns = {}
        for name in dict.fromkeys(name for part in parts for name in part.columns):
            if name not in unusable:
                with self._unless_needed(name, unusable):
                    columns[name] = _joined(parts, name)
        table = self.records(columns)
        if self._reports_unusable:
            notes = {name: ColumnNote(f"is left out: {why}") for name, why in unusable.items()}
            table = replace(table, notes=notes)
        return next(self.labelled([table], self._integers()))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the rows in chunks, or all first if the types of columns are not known."""
        if not self._settled:
            return super().chunks(rng, samples)
        return self.labelled(self._tables(samples, {}))

    def _tables(self, rows: int, unusable: dict[str, str]) -> Iterator[Table]:
        """Yield the rows in parts; columns that no table can have go to `unusable`, with why."""
        first = 1
        for columns in self._parts(rows):
            count = len(next(iter(columns.values())))
            yield self._table(columns, range(first, first + count), unusable, self._settled)
            first += count

    def _table(
        self,
        columns: Columns,
        rows: range,
        unusable: dict[str, str],
        types: Mapping[str, ColumnType],
    ) -> Table:
        """Return the usable columns, which include all needed ones, as a table."""
        arrays = {}
        for name, values in columns.items():
            if name in unusable or (self._only is not None and name not in self._only):
                continue
            with self._unless_needed(name, unusable):
                table = as_table(
                    {name: values},
                    first_row=rows.start,
                    cells=self.cell_format,
                    types=types,
                    marks_unreadable=self._marks_unreadable,
                )
                if not isinstance(table, Table):
                    raise TypeError(table)
                arrays[name] = table.columns[name]
        return replace(self.records(arrays), rows=np.array(rows))

    @contextmanager
    def _unless_needed(self, name: str, unusable: dict[str, str]) -> Iterator[None]:
        """Add a column and its error to `unusable`, or raise the error if the column is needed."""
        try:
            yield
        except DataError as error:
            listed = self.features is not None or self._only is not None
            all_are_needed = not listed and not self._reports_unusable
            if all_are_needed or name in self._needed:
                hint = error.hint or "leave it out by naming the features"
                raise error.replaced(hint=hint) from None
            unusable[name] = error.fault


def _joined(parts: Sequence[Table], name: str) -> Array:
    """Return a column of consecutive parts, of which some may lack it.

    Raises:
        DataError: it is text in one part and not in another.
    """
    arrays = [part.columns.get(name, np.full(len(part), np.nan)) for part in parts]
    if any(array.dtype.kind == "O" for array in arrays):
        for position, (part, array) in enumerate(zip(parts, arrays, strict=True)):
            if array.dtype.kind == "O":
                continue
            there = ~missing_values(array)
            if there.any():
                row = part.row_number(int(np.argmax(there)))
                raise DataError.in_cell(row, name, f"is {array[there][0]}, but text elsewhere")
            arrays[position] = np.full(len(array), None)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
