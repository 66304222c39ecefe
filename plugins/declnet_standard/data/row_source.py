"""The base of sources whose rows hold typed values, such as databases and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from declnet import Array, DataError, Dataset, Table, as_table, missing_values
from declnet_standard.data.table_source import TableSource

ROWS = 1 << 16
"""Rows that are Python objects at a time."""

Columns = Mapping[str, Sequence[Any]]


class RowSource(TableSource):
    """A table whose rows hold Python values, or None where they are missing."""

    def _parts(self, rows: int) -> Iterator[Columns]:
        """Yield the columns in parts of up to `rows` rows; a part may lack columns.

        Raises:
            DataError: the rows cannot be read, or a needed column is in none of them.
        """
        raise NotImplementedError

    @property
    def _label(self) -> str:
        """What messages call the source."""
        return f'data source "{self.type}"'

    @property
    def _needed(self) -> frozenset[str]:
        """The columns that the source names, which must exist."""
        return frozenset((*self.target_columns, *(self.features or ()), *(self._only or ())))

    def load(self, rng: np.random.Generator) -> Table:
        """Read the rows; nothing is random."""
        unusable: set[str] = set()
        parts = list(self._tables(ROWS, unusable))
        if not parts:
            raise DataError(f"{self._label}: has no rows")
        columns = {}
        for name in dict.fromkeys(name for part in parts for name in part.columns):
            if name not in unusable:
                with self._unless_needed(name, unusable):
                    columns[name] = _joined(parts, name)
        return next(self.labelled([self.records(columns)]))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the rows in chunks."""
        return self.labelled(self._tables(samples, set()))

    def _tables(self, rows: int, unusable: set[str]) -> Iterator[Table]:
        """Yield the rows in parts; the names of columns that no table can have go to `unusable`."""
        first = 1
        for columns in self._parts(rows):
            count = len(next(iter(columns.values())))
            numbers = np.arange(first, first + count)
            yield replace(self.records(self._arrays(columns, first, unusable)), rows=numbers)
            first += count

    def _arrays(self, columns: Columns, first_row: int, unusable: set[str]) -> dict[str, Array]:
        """Return the usable columns, which include all needed ones."""
        arrays = {}
        for name, values in columns.items():
            if name in unusable or (self._only is not None and name not in self._only):
                continue
            with self._unless_needed(name, unusable):
                table = as_table({name: values}, first_row=first_row)
                if not isinstance(table, Table):
                    raise TypeError(table)
                arrays[name] = table.columns[name]
        return arrays

    @contextmanager
    def _unless_needed(self, name: str, unusable: set[str]) -> Iterator[None]:
        """Add a column to `unusable` in place of an error, unless it is needed."""
        try:
            yield
        except DataError as error:
            all_are_needed = self.features is None and self._only is None
            if all_are_needed or name in self._needed:
                hint = error.hint or "leave it out by naming the features"
                raise DataError(error.message, hint=hint) from None
            unusable.add(name)


def _joined(parts: Sequence[Table], name: str) -> Array:
    """Return a column of consecutive parts, of which some may lack it.

    Raises:
        DataError: it is text in one part and not in another.
    """
    arrays = [part.columns.get(name, np.full(len(part), np.nan)) for part in parts]
    if any(each.dtype.kind == "O" for each in arrays):
        for position, (part, array) in enumerate(zip(parts, arrays, strict=True)):
            if array.dtype.kind == "O":
                continue
            there = ~missing_values(array)
            if there.any():
                row = part.row_number(int(np.argmax(there)))
                raise DataError(
                    f'row {row}, column "{name}" is {array[there][0]}, but text elsewhere'
                )
            arrays[position] = np.full(len(array), None)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
