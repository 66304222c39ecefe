"""The base of sources whose rows hold typed values, as those of a database or of JSON do."""

from collections.abc import Iterator, Mapping, Sequence
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
        parts = list(self._tables(ROWS))
        if not parts:
            raise DataError(f"{self._label}: has no rows")
        return next(self.labelled([self.records(_joined(parts))]))

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Read the rows in chunks."""
        return self.labelled(self._tables(samples))

    def _tables(self, rows: int) -> Iterator[Table]:
        first = 1
        for columns in self._parts(rows):
            count = len(next(iter(columns.values())))
            numbers = np.arange(first, first + count)
            yield replace(self.records(self._arrays(columns, first)), rows=numbers)
            first += count

    def _arrays(self, columns: Columns, first_row: int) -> dict[str, Array]:
        """Return the usable columns, which include all needed ones."""
        all_are_needed = self.features is None and self._only is None
        arrays = {}
        for name, values in columns.items():
            if self._only is not None and name not in self._only:
                continue
            try:
                table = as_table({name: values}, first_row=first_row)
            except DataError as error:
                if all_are_needed or name in self._needed:
                    hint = error.hint or "leave it out by naming the features"
                    raise DataError(error.message, hint=hint) from None
                continue
            if not isinstance(table, Table):
                raise TypeError(table)
            arrays[name] = table.columns[name]
        return arrays


def _joined(parts: Sequence[Table]) -> dict[str, Array]:
    """Return the columns of consecutive parts, of which some may lack columns.

    Raises:
        DataError: a column is text in one part and not in another.
    """
    columns = {}
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        arrays = [part.columns.get(name, np.full(len(part), np.nan)) for part in parts]
        if any(each.dtype.kind == "O" for each in arrays):
            for position, (part, array) in enumerate(zip(parts, arrays, strict=True)):
                there = ~missing_values(array)
                if array.dtype.kind != "O" and there.any():
                    row = part.row_number(int(np.argmax(there)))
                    raise DataError(
                        f'row {row}, column "{name}" is {array[there][0]}, but text in other rows',
                        hint="leave it out by naming the features",
                    )
                if array.dtype.kind != "O":
                    arrays[position] = np.full(len(array), None)
        columns[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return columns
