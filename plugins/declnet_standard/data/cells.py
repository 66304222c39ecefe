"""The cells of one column of a text file, read as numbers, booleans or text."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from declnet import Array

_FOREIGN = re.compile(r"_|[^\t\x20-\x7e]")
"""Characters that Python accepts in a number but that are not numeric in a data file."""

_EXCHANGED = str.maketrans(".,", ",.")

_TRUTH = {"true": True, "false": False}


class Cells:
    """Consecutive cells of a column.

    Each method converts all cells to one type, or returns None if a cell does not fit. Spaces and
    tabs around a cell are ignored.

    Args:
        values: the cells' text.
        missing: the texts that mark a missing value.
        decimal: the decimal sign, a point or a comma; the other one is not allowed in numbers.
    """

    def __init__(self, values: Sequence[str], missing: frozenset[str], decimal: str = ".") -> None:
        self._values, self._missing, self._decimal = values, missing, decimal
        self._own_numbers = decimal == "," or any(_is_number(each) for each in missing)

    def __len__(self) -> int:
        return len(self._values)

    def integers(self) -> Array | None:
        """Return 64-bit integers, or floats with NaN if values are missing."""
        values = self._values
        if self._own_numbers:
            return self._integers_and_gaps()
        try:
            numbers = list(map(int, values))
        except ValueError:
            return self._integers_and_gaps()
        return None if _FOREIGN.search("".join(values)) else _as_int64(numbers)

    def numbers(self) -> Array | None:
        """Return floats, with NaN for missing values."""
        values = self._values
        found = None if self._own_numbers else _as_floats(values)
        if found is None:
            return self._numbers_and_gaps()
        return None if _FOREIGN.search("".join(values)) else found

    def booleans(self) -> Array | None:
        """Return booleans (true and false in any case), or floats with NaN if some are missing."""
        values = self._those_there
        try:
            found = np.array([_TRUTH[each.lower()] for each in values], bool)
        except KeyError:
            return None
        return found if len(found) == len(self) else self._with_gaps(found.astype(float))

    def text(self) -> Array:
        """Return text (objects), with None for missing values."""
        array = np.empty(len(self), object)
        known: dict[str, str] = {}  # equal cells share one object
        missing = self._missing
        array[:] = [
            None if each in missing else known.setdefault(each, each) for each in self._stripped()
        ]
        return array

    def are_missing(self) -> bool:
        """Return whether all cells are missing."""
        return all(each in self._missing for each in self._stripped())

    def first_that_is_no(self, kind: str) -> tuple[int, str]:
        """Return the position and value of the first cell that is not of a kind.

        Args:
            kind: `"integer"`, `"number"` or `"boolean"`.
        """
        for position, value in enumerate(self._stripped()):
            cell = Cells([value], self._missing, self._decimal)
            read = {"integer": cell.integers, "number": cell.numbers, "boolean": cell.booleans}
            if read[kind]() is None:
                return position, value
        raise LookupError(kind)

    def _stripped(self) -> Sequence[str]:
        return self._clean

    @cached_property
    def _clean(self) -> list[str]:
        return [each.strip(" \t") for each in self._values]

    @cached_property
    def _those_there(self) -> list[str]:
        return [each for each in self._stripped() if each not in self._missing]

    def _integers_and_gaps(self) -> Array | None:
        values = self._those_there
        try:
            numbers = list(map(int, values))
        except ValueError:
            return None
        found = None if _FOREIGN.search("".join(values)) else _as_int64(numbers)
        if found is None or len(found) == len(self):
            return found
        return self._with_gaps(found.astype(float))

    def _numbers_and_gaps(self) -> Array | None:
        values = self._those_there
        if self._decimal == ",":
            values = [each.translate(_EXCHANGED) for each in values]
        there = _as_floats(values)
        if there is None or _FOREIGN.search("".join(values)):
            return None
        return self._with_gaps(there)

    def _with_gaps(self, there: Array) -> Array:
        """Return the present values in their positions, and NaN elsewhere."""
        found = np.full(len(self), np.nan)
        found[[each not in self._missing for each in self._stripped()]] = there
        return found


def _as_floats(values: Sequence[str]) -> Array | None:
    try:
        return np.fromiter(map(float, values), float, len(values))
    except ValueError:
        return None


def _as_int64(numbers: list[int]) -> Array | None:
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        return None


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)  # NaN always counts as missing
    except ValueError:
        return False
