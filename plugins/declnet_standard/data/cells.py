"""The cells of one column of a text file, read as numbers, booleans or text."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from declnet import Array

_FOREIGN = re.compile(r"_|[^\t\x20-\x7e]")
"""What Python takes within a number and a data file does not mean as one."""

_EXCHANGED = str.maketrans(".,", ",.")

_TRUTH = {"true": True, "false": False}


class Cells:
    """Some cells of a column, one after the other.

    Each method reads all of them in one way, or gives None if a cell cannot be read so. Spaces and
    tabulators around a cell do not count.

    Args:
        values: as the file has them.
        missing: what stands for a missing value.
        decimal: what parts whole numbers from fractions, a point or a comma; the other one is no
            part of a number then.
    """

    def __init__(self, values: Sequence[str], missing: frozenset[str], decimal: str = ".") -> None:
        self._values, self._missing, self._decimal = values, missing, decimal
        self._own_numbers = decimal == "," or any(_is_number(each) for each in missing)

    def __len__(self) -> int:
        return len(self._values)

    def integers(self) -> Array | None:
        """Integers of 64 bits; floats with NaN where something is missing."""
        values = self._values
        if self._own_numbers:
            return self._integers_and_gaps()
        try:
            numbers = list(map(int, values))
        except ValueError:
            return self._integers_and_gaps()
        return None if _FOREIGN.search("".join(values)) else _as_int64(numbers)

    def numbers(self) -> Array | None:
        """Floats with NaN where something is missing."""
        values = self._values
        found = None if self._own_numbers else _as_floats(values)
        if found is None:
            return self._numbers_and_gaps()
        return None if _FOREIGN.search("".join(values)) else found

    def booleans(self) -> Array | None:
        """Booleans, of true and false in any case; floats with NaN where something is missing."""
        values = self._those_there
        try:
            found = np.array([_TRUTH[each.lower()] for each in values], bool)
        except KeyError:
            return None
        return found if len(found) == len(self) else self._with_gaps(found.astype(float))

    def text(self) -> Array:
        """Text (objects), None where something is missing."""
        array = np.empty(len(self), object)
        known: dict[str, str] = {}  # one object for equal cells
        missing = self._missing
        array[:] = [
            None if each in missing else known.setdefault(each, each) for each in self._stripped()
        ]
        return array

    def are_missing(self) -> bool:
        """Whether all are missing."""
        return all(each in self._missing for each in self._stripped())

    def first_that_is_no(self, kind: str) -> tuple[int, str]:
        """The position and the value of the first cell that cannot be read as a kind.

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
        """The values that are there, in their places, with NaN in the others."""
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
        return float(text) == float(text)  # NaN is missing in any case
    except ValueError:
        return False
