"""The usable rows of a table, and the errors of all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table
from declnet.errors import DataError

OnError = Literal["fail", "empty"]
"""What rows that cannot be predicted lead to: an error, or empty predictions."""

RowErrors = Mapping[int, DataError]
"""Why rows cannot be used, by their positions."""

SHORTEST = 64
"""Rows that are checked together in any case, unless one is refused."""

ReadCells = Callable[[str, Array, Sequence[int]], Array]
"""Returns part of a column in its type, given its name, its cells and the numbers of their rows."""


def refused_rows(check: Callable[[Array], object], numbers: Sequence[int]) -> dict[int, DataError]:
    """Return the rows that a check refuses.

    After a refused row, those before it are checked alone, then those after it, in parts as long as
    refused rows are apart. So every row is checked a few times, and with each refused row the check
    is called about three times.

    Args:
        check: raises DataError at a row that it refuses, preferably the first, given the positions
            of consecutive rows.
        numbers: the number of each row, as in `DataError.row`.

    Raises:
        DataError: an error that names no row, so it concerns all.
    """
    errors: dict[int, DataError] = {}
    known, pending, longest = np.asarray(numbers), [(0, len(numbers))], len(numbers)
    while pending:
        start, last = pending.pop()
        end = min(start + longest, last)
        if end < last:
            pending.append((end, last))
        try:
            check(np.arange(start, end))
        except DataError as error:
            if error.row is None:
                raise
            named = np.flatnonzero(known[start:end] == error.row)
            if named.size or end == start + 1:
                refused = start + int(named[0] if named.size else 0)
                errors[refused] = error.replaced()  # without its traceback, which holds the data
                parts = (refused + 1, end), (start, refused)
                longest = max(SHORTEST, 2 * (refused - start))
            else:
                middle = (start + end) // 2
                parts = (middle, end), (start, middle)
            pending += [part for part in parts if part[0] < part[1]]
        else:
            longest *= 2
    return errors


@dataclass(frozen=True, eq=False)
class UsableRows:
    """The rows of a table that can be used, as far as that is known.

    Attributes:
        table: these rows, with their numbers.
        positions: the position of each among all rows.
        errors: why the other rows cannot be used, by their positions among all rows.
    """

    table: Table
    positions: Array
    errors: RowErrors = field(default_factory=dict)

    @classmethod
    def whole(cls, table: Table) -> UsableRows:
        """Return all rows of a table."""
        return cls(table, np.arange(len(table)))

    @classmethod
    def read(cls, table: Table, read: ReadCells) -> UsableRows:
        """Return the rows whose cells can all be read.

        Args:
            table: its columns hold cells in any form that `read` takes.
            read: raises DataError at a cell that cannot be read.
        """
        numbers: Any = np.asarray(table.row_numbers)
        errors: dict[int, DataError] = {}
        for name, column in table.columns.items():

            def check(part: Array, name: str = name, column: Array = column) -> None:
                read(name, column[part], numbers[part])

            errors = refused_rows(check, numbers) | errors
        rows = cls.whole(table).without(errors)
        numbers = np.asarray(rows.table.row_numbers)
        columns = {n: read(n, column, numbers) for n, column in rows.table.columns.items()}
        return replace(rows, table=replace(rows.table, columns=columns))

    @property
    def count(self) -> int:
        """The number of all rows."""
        return len(self.positions) + len(self.errors)

    def without(self, errors: RowErrors) -> UsableRows:
        """Return these rows without some, which are given by their positions among them."""
        if not errors:
            return self
        usable = np.delete(np.arange(len(self.table)), list(errors))
        more = {int(self.positions[position]): error for position, error in errors.items()}
        table, positions = self.table.take(usable), self.positions[usable]
        return UsableRows(table, positions, {**self.errors, **more})

    def scattered(self, values: Array) -> Array:
        """Return an array for all rows, given one for these: NaN or None in the other rows."""
        if len(values) == self.count:
            return values
        missing, dtype = (np.nan, values.dtype) if values.dtype.kind == "f" else (None, object)
        array: Array = np.full((self.count, *values.shape[1:]), missing, dtype)
        array[self.positions] = values.astype(dtype)
        return array
