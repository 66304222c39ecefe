"""Cells of a text file, and the typed columns that they become."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from declnet import Array, ColumnNote, DataError
from declnet_plugins.standard.data.formatted_numbers import (
    are_consistent,
    is_unmistakable,
    read_formatted,
    said,
)

_FOREIGN = re.compile(r"_|[^\t\x20-\x7e]")
"""Characters that Python accepts in a number but that are not numeric in a data file."""

_PADDED = re.compile(r"\n[ \t]*(0[0-9]+)[ \t]*(?=\n)")
"""A cell with a leading zero, among cells joined by line breaks."""

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
        self._own_numbers = decimal == "," or any(is_number(each) for each in missing)

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

    def formatted(self, decimal: str | None = None) -> tuple[Array, frozenset[str]] | None:
        """Return floats, with NaN for missing values, and the units, as `read_formatted` does."""
        read = read_formatted(self._those_there, decimal or self._decimal)
        return None if read is None else (self._with_gaps(read[0]), read[1])

    def with_units(self) -> Iterator[tuple[int, str, str]]:
        """Yield the position, the text and the unit of each formatted number, "" without one."""
        for position, value in enumerate(self._stripped):
            read = None if value in self._missing else read_formatted([value], self._decimal)
            if read is not None:
                (unit,) = read[1]
                yield position, value, unit

    def padded(self) -> str | None:
        """Return the first integer with a leading zero, such as 01, or None."""
        values = self._those_there if self._own_numbers else self._values
        found = _PADDED.search("\n".join(("", *values, "")))
        return found and found[1]

    def text(self) -> Array:
        """Return text (objects), with None for missing values."""
        array = np.empty(len(self), object)
        known: dict[str, str] = {}  # equal cells share one object
        missing = self._missing
        array[:] = [
            None if each in missing else known.setdefault(each, each) for each in self._stripped
        ]
        return array

    def is_unmistakable(self, decimal: str) -> bool:
        """Return whether all are consistent numbers with this decimal sign and not the other."""
        read = self.formatted(decimal)
        return (
            read is not None
            and are_consistent(read[1])
            and is_unmistakable(self._those_there, decimal)
        )

    def are_missing(self) -> bool:
        """Return whether all cells are missing."""
        return all(each in self._missing for each in self._stripped)

    def first_that_is_no(self, kind: str) -> tuple[int, str]:
        """Return the position and value of the first cell that is not of a kind.

        Args:
            kind: a key of `types` in a data source, or `"boolean"`.
        """
        for position, value in enumerate(self._stripped):
            cell = Cells([value], self._missing, self._decimal)
            if _READ[kind](cell) is None:
                return position, value
        raise LookupError(kind)

    @cached_property
    def _stripped(self) -> list[str]:
        return [each.strip(" \t") for each in self._values]

    @cached_property
    def _those_there(self) -> list[str]:
        return [each for each in self._stripped if each not in self._missing]

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
        found[[each not in self._missing for each in self._stripped]] = there
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


def is_number(text: str) -> bool:
    """Return whether Python reads a text as a number other than NaN."""
    try:
        return float(text) == float(text)  # NaN always counts as missing
    except ValueError:
        return False


Read = Callable[[Cells], Array | None]


def _number(cells: Cells, decimal: str | None = None) -> Array | None:
    plain = cells.numbers() if decimal is None else None
    formatted = cells.formatted(decimal) if plain is None else None
    return plain if formatted is None else formatted[0]


def _integer(cells: Cells) -> Array | None:
    found = cells.integers()
    if found is None:
        found = _number(cells)
        if found is None or not (np.isnan(found) | (found % 1 == 0)).all():
            return None
    return found.astype(np.int64) if np.isfinite(found).all() else found


_READ: dict[str, Read] = {
    "integer": _integer,
    "number": _number,
    "comma_number": lambda cells: _number(cells, ","),
    "boolean": lambda cells: cells.booleans(),
    "text": lambda cells: cells.text(),
}
_PLAIN: dict[str, Read] = {
    **_READ,
    "integer": lambda cells: cells.integers(),
    "number": lambda cells: cells.numbers(),
}
"""The same without formatted numbers."""
_WIDER: dict[str, str] = {"integer": "number", "number": "text", "boolean": "text"}
"""The next wider type if a cell does not fit."""
_IN_WORDS = {
    "integer": "integer",
    "number": "number",
    "comma_number": "number with a decimal comma",
    "boolean": "boolean",
}


MOST_ODD = 3
"""Maximum number of distinct texts in a column of numbers that may have been meant as missing
values."""

SAMPLED = 100
"""Cells that show whether a column might be one of numbers."""


def odd_cells(cells: Sequence[str | None], decimal: str) -> list[str]:
    """Return the different texts in a column of numbers, if they are few; none in one of text.

    At least half of the cells are numbers, with five times as many different ones as texts: codes
    such as 1, 2 and A are a column of text.
    """
    sample = [each for each in cells[:SAMPLED] if each is not None]
    if 2 * sum(_is_a_number(each, decimal) for each in sample) < len(sample):
        return []
    counts = Counter(each for each in cells if each is not None)
    odd: list[str] = []
    for value in counts:
        if not _is_a_number(value, decimal):
            odd.append(value)
            if len(odd) > MOST_ODD:
                return []
    others = len(counts) - len(odd)
    rows = sum(counts[each] for each in odd)
    return [] if 2 * rows > counts.total() or others < 5 * len(odd) else odd


def _is_a_number(text: str, decimal: str) -> bool:
    try:
        float(text)
    except ValueError:
        return read_formatted([text], decimal) is not None
    return True


class TypedColumn:
    """A column of a text file.

    Args:
        name: the column's name.
        declared: the type that every cell must have, a key of `types`; None to infer it.
        settled: its type in the training data: a column that is not text there must be numeric.
        keep: whether to keep the cells rather than only the type.

    Attributes:
        type: the type so far; None if all cells were missing.
        lost: whether cells were read as numbers before the column turned out to be text, so that
            it must be read again as text.
    """

    def __init__(
        self,
        name: str,
        declared: str | None = None,
        settled: str | None = None,
        keep: bool = True,
    ) -> None:
        self._keep = keep
        self.name, self._declared, self._settled = name, declared, settled
        expected = None if settled == "boolean" else settled  # numbers may represent booleans
        self.type: str | None = "number" if declared == "comma_number" else declared or expected
        self.lost = False
        self._padded: str | None = None
        self._units: set[str] = set()
        self._formatted = False
        self._parts: list[Array] = []

    def add(self, cells: Cells, first_row: int) -> None:
        """Add cells.

        Args:
            cells: the next cells.
            first_row: the number of their first row, for messages.

        Raises:
            DataError: a cell does not have the declared type.
        """
        if self.lost or (self.type == "text" and not self._keep):
            return
        if self._declared is not None:
            self._parts.append(self._as_declared(cells, self._declared, first_row))
            return
        part = self._found(cells, first_row)
        if part is not None and self._keep:
            self._parts.append(part)

    def _found(self, cells: Cells, first_row: int) -> Array | None:
        """Return the cells in the type so far, which is widened if they do not fit."""
        if self.type is None:
            self.type = self._first_type(cells)
        if self.type is None:
            return np.full(len(cells), np.nan)
        part = _PLAIN[self.type](cells)
        if part is None and self.type == "integer":
            self.type = "number"
            part = cells.numbers()
        units = {""}
        if part is None and self.type == "number" and (formatted := cells.formatted()):
            part, units = formatted[0], set(formatted[1])
            self._formatted = True
        if self._settled is not None:
            if part is None and self._settled == "number":  # booleans, of which some were missing
                flags = cells.booleans()
                part = None if flags is None else flags.astype(float)
            if part is None:
                raise self._wrong(cells, "number", first_row)
            if not units <= self._units and not cells.are_missing():
                self._require_one_unit(cells, units, first_row)
            return part
        if self.type in ("integer", "number"):
            self._padded = cells.padded()
            self._units |= units
        self.lost = part is None or self._padded is not None or not are_consistent(self._units)
        return None if self.lost else part

    @property
    def probable(self) -> str | None:
        """`integer` or `number` if all cells so far were plainly that, else None."""
        plain = self._declared is None and not (self.lost or self._formatted)
        return self.type if plain and self.type in ("integer", "number") else None

    def note(self, array: Array, decimal: str) -> ColumnNote | None:
        """Return how cells were read if another reading is conceivable.

        Args:
            array: all cells, as text if the column turned out to be text.
            decimal: the decimal sign of the file.
        """
        if self._declared is not None or self._settled is not None:
            return None
        if not self.lost and self._formatted:
            return ColumnNote(f"is read as numbers, {said(sorted(self._units))}", "number")
        return self._note_on_text(array, decimal) if self.lost or self.type == "text" else None

    def _note_on_text(self, array: Array, decimal: str) -> ColumnNote | None:
        cells = array.tolist()
        odd = [] if self._padded is not None else odd_cells(cells, decimal)
        if odd:
            return ColumnNote(
                f'is read as text, because row {cells.index(odd[0]) + 1} is "{odd[0]}"; if that '
                "means a missing value, list it in missing"
            )
        first = next((each for each in array if each is not None), "")
        if read_formatted([first], ",") is None and self._padded is None:
            return None
        there = Cells([each for each in cells if each is not None], frozenset(), decimal)
        if self._padded is not None and there.numbers() is not None:
            return ColumnNote(f'is read as text, because "{self._padded}" has a leading zero')
        if decimal != "," and there.is_unmistakable(","):
            return ColumnNote("looks like numbers with decimal commas", "comma_number")
        return None

    def array(self) -> Array:
        """Return all cells that were added."""
        parts = self._parts or [np.empty(0)]
        if self.type == "text":  # parts before the first text are entirely missing
            parts = [p if p.dtype.kind == "O" else np.full(len(p), None) for p in parts]
        elif len({part.dtype.kind for part in parts}) > 1:
            parts = [part.astype(float) for part in parts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _first_type(self, cells: Cells) -> str | None:
        if cells.are_missing():
            return None
        kinds = ("integer", "number", "boolean")
        for kind in kinds[1:] if self._settled == "number" else kinds:
            if _PLAIN[kind](cells) is not None:
                return kind
        return "number" if self._settled is not None or cells.formatted() else "text"

    def _as_declared(self, cells: Cells, kind: str, first_row: int) -> Array:
        part = _READ[kind](cells)
        if part is None:
            raise self._wrong(cells, kind, first_row)
        return part

    def _require_one_unit(self, cells: Cells, units: set[str], first_row: int) -> None:
        """Raise DataError at the first cell whose unit differs from those before it."""
        if are_consistent(self._units | units):
            self._units |= units
            return
        for position, value, own in cells.with_units():
            if not are_consistent(self._units | {own}):
                fault = f': "{value}" has another unit than the numbers before it'
                hint = "write all numbers of a column in one unit"
                raise DataError.in_cell(first_row + position, self.name, fault, hint=hint)
            self._units.add(own)

    def _wrong(self, cells: Cells, kind: str, first_row: int) -> DataError:
        position, value = cells.first_that_is_no(kind)
        shown = value if len(value) <= 40 else f"{value[:39]}…"
        return DataError.in_cell(
            first_row + position,
            self.name,
            f': "{shown}" is not a {_IN_WORDS[kind]}',
            hint="if it means a missing value, list it in missing",
        )
