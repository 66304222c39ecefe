"""What a raw cell means: its text, missing values, and numbers and booleans written as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import repeat
from types import MappingProxyType
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import CellFormat, class_name

_SIGN = "[+\u2212-]?"
_CODES = "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|SEK|TRY|USD|ZAR"
_SYMBOL = f"(?:(?:US|A|C|R|NZ|HK)?\\$|[€£¥₹₽₩₺₫₴₪฿%]|zł|kr|Kč|{_CODES})"
_GROUPS = "'\u2019 \u00a0\u202f"
"""Apostrophes and spaces, which group thousands, as the other decimal sign does."""
_SPACES = " \u00a0\u202f"

PERCENT = "%"

_FOREIGN_OR_SPACE = re.compile(r"_|[^\x21-\x7e]")
_UNGROUPED = {
    ".": str.maketrans("", "", f",{_GROUPS}"),
    ",": str.maketrans(",", ".", f".{_GROUPS}"),
}
"""What turns digits into a Python number, by decimal sign."""


@cache
def _pattern(decimal: str) -> re.Pattern[str]:
    """Return the pattern of a cell for a decimal sign; the other sign may group thousands."""
    group = "," if decimal == "." else "."
    point, comma = re.escape(decimal), re.escape(group)
    grouped = (
        rf"[1-9][0-9]{{0,2}}(?P<group>[{comma}{_GROUPS}])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
        rf"|[1-9][0-9]?(?:{comma}[0-9]{{2}})+{comma}[0-9]{{3}}"  # lakh and crore
    )
    digits = rf"(?:(?:{grouped}|0|[1-9][0-9]*)(?:{point}[0-9]*)?|{point}[0-9]+)"
    return re.compile(
        rf"(?P<open>\()?(?P<sign>{_SIGN})(?:(?P<before>{_SYMBOL})[{_SPACES}]?)?(?P<inner>{_SIGN})"
        rf"(?P<digits>{digits})(?:[{_SPACES}]?(?P<after>{_SYMBOL}))?(?(open)\))"
    )


def read_formatted(cells: Sequence[str], decimal: str) -> tuple[Array, frozenset[str]] | None:
    """Return the cells as floats with the units found, or None if one is not such a number.

    Amounts in parentheses are negative; percentages keep their value, so `12.5%` is 12.5. The units
    include `""` if a cell has none.

    Args:
        cells: text without surrounding spaces, none of them missing.
        decimal: the decimal sign, a point or a comma.
    """
    pattern, units = _pattern(decimal), set()
    numbers = np.empty(len(cells))
    for position, cell in enumerate(cells):
        plain = _plain(cell, decimal)
        if plain is not None:
            numbers[position] = plain
            units.add("")
            continue
        match = pattern.fullmatch(cell)
        if match is None:
            return None
        opening, sign, before, inner, digits, after = match.group(
            "open", "sign", "before", "inner", "digits", "after"
        )
        if (before and after) or bool(opening) + bool(sign) + bool(inner) > 1:
            return None
        number = float(digits.translate(_UNGROUPED[decimal]))
        negative = opening or (sign or inner) in ("-", "\u2212")
        numbers[position] = -number if negative else number
        units.add(before or after or "")
    return numbers, frozenset(units)


def _plain(cell: str, decimal: str) -> float | None:
    """Return a cell that is a plain number, such as 1e5."""
    if _FOREIGN_OR_SPACE.search(cell):
        return None
    try:
        return float(cell if decimal == "." else cell.translate(_EXCHANGED))
    except ValueError:
        return None


def are_consistent(units: Iterable[str]) -> bool:
    """Return whether numbers with these units are comparable.

    At most one unit may occur. Currency may be absent from some cells, a percent sign may not.
    """
    named = {unit for unit in units if unit}
    return len(named) < 2 and not (PERCENT in named and "" in units)


def is_unmistakable(cells: Iterable[str], decimal: str) -> bool:
    """Return whether some cell cannot be a number with the other decimal sign."""
    other = _pattern("," if decimal == "." else ".")
    return any(other.fullmatch(cell) is None for cell in cells)


def described_units(units: Iterable[str]) -> str:
    """Return how the cells differ from plain numbers."""
    named = [f'"{unit}"' for unit in units if unit]
    return f"with {named[0]}" if named else "with grouped thousands"


SPACES = " \t"
"""The characters around a cell that do not belong to it, in every source."""

SAMPLED = 1000
"""Cells that show whether most texts of a column occur repeatedly."""

_FOREIGN = re.compile(r"_|[^\t\x20-\x7e]")
"""Characters that Python accepts in a number but that are not numeric in a data file."""

_PADDED = re.compile(r"\n[ \t]*(0[0-9]+)[ \t]*(?=\n)")
"""A cell with a leading zero, among cells joined by line breaks."""

_EXCHANGED = str.maketrans(".,", ",.")

_TRUTH = {"true": True, "false": False}

_BOOLEANS_AS_NUMBERS = {"true": "1", "false": "0"}


def trimmed(column: Array, form: CellFormat) -> Array:
    """Return a column of text (n,) as cells: without spaces around them, and None for missing ones.

    Args:
        column: objects, each `str | None`; numbers and booleans become text.
        form: how text is written.

    Returns:
        The column itself if it has neither such spaces nor such texts.
    """
    texts = column.tolist()
    try:
        distinct = [text for text in distinct_if_few(texts) if text is not None]
        cells = list(map(str.strip, distinct, repeat(SPACES)))
    except TypeError:
        return trimmed(objects_of([text_of(value, form.decimal) for value in texts]), form)
    missing: dict[str, str | None] = dict.fromkeys(form.missing)
    if cells == distinct and missing.keys().isdisjoint(cells):
        return column
    cell_of: dict[str | None, str | None] = {None: None}
    cell_of |= zip(distinct, map(missing.get, cells, cells), strict=True)
    return objects_of(list(map(cell_of.__getitem__, texts)))


def distinct_if_few(texts: Sequence[Any]) -> Collection[Any]:
    """Return the distinct texts of a column if most occur repeatedly, else all of them."""
    few = 2 * len(set(texts[:SAMPLED])) < min(SAMPLED, len(texts))
    return set(texts) if few else texts


def are_unicode(texts: Iterable[str | None]) -> bool:
    """Return whether texts have no half of a surrogate pair, which no file can hold."""
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return False
    return True


def objects_of(values: Sequence[Any]) -> Array:
    """Return values as a column of objects (n,)."""
    array: Array = np.empty(len(values), object)
    array[:] = values
    return array


def text_of(value: Any, decimal: str = ".") -> str | None:
    """Return a value as a text file would have it, None for NaN: integral floats without a point.

    Args:
        value: text, a number or a boolean, built-in or of NumPy; or None.
        decimal: the decimal sign.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        number = float(value)
        if number.is_integer() and abs(number) < 2**53:
            return str(int(number))
        return repr(number).replace(".", decimal) if number == number else None  # noqa: PLR0124  # NaN
    return class_name(value)


class Cells:
    """Consecutive cells of a column.

    Each method converts all cells to one type, or returns None if a cell does not fit. `SPACES`
    around a cell are ignored.

    Args:
        texts: the cells' text, or the distinct texts of the cells in order of appearance.
        missing: the texts that mark a missing value.
        decimal: the decimal sign, a point or a comma; the other one is not allowed in numbers.
        codes: which of the distinct texts each cell has, (n,); None if `texts` has every cell.
    """

    def __init__(
        self,
        texts: Sequence[str],
        missing: Collection[str],
        decimal: str = ".",
        codes: Array | None = None,
    ) -> None:
        self._texts, self._missing, self.decimal = texts, frozenset(missing), decimal
        self._codes = codes
        self._markers_are_numbers = decimal == "," or _include_numbers(self._missing)

    def __len__(self) -> int:
        return len(self._texts if self._codes is None else self._codes)

    @staticmethod
    def include_numbers(texts: Collection[str]) -> bool:
        """Return whether any of these texts is a number other than NaN."""
        return any(map(_is_number, texts))

    def read(self, kind: str) -> Array | None:
        """Return the cells in a type, a key of `types` in a data source, or `"boolean"`."""
        return _READ[kind](self)

    def read_plain(self, kind: str) -> Array | None:
        """Return the same as `read`, but None for formatted numbers and numeric booleans."""
        return _PLAIN.get(kind, _READ[kind])(self)

    def integers(self) -> Array | None:
        """Return 64-bit integers, or floats with NaN if values are missing."""
        return self._read_as(int)

    def numbers(self) -> Array | None:
        """Return floats, with NaN for missing values."""
        return self._read_as(float)

    def booleans(self) -> Array | None:
        """Return booleans (true and false in any case), or floats with NaN if some are missing."""
        try:
            truth = np.array([_TRUTH[text.lower()] for text in self._present], bool)
        except KeyError:
            return None
        return self._placed(truth)

    def numbers_or_booleans(self) -> Array | None:
        """Return floats, with 1 and 0 for true and false and NaN for missing values."""
        texts = [_BOOLEANS_AS_NUMBERS.get(text.lower(), text) for text in self._stripped]
        return _number(Cells(texts, self._missing, self.decimal, self._codes))

    def formatted(self, decimal: str | None = None) -> tuple[Array, frozenset[str]] | None:
        """Return floats, with NaN for missing values, and the units, as `read_formatted` does."""
        read = read_formatted(self._present, decimal or self.decimal)
        return None if read is None else (self._placed(read[0]), read[1])

    def with_units(self) -> Iterator[tuple[int, str, str]]:
        """Yield position, text and unit ("" if none) of formatted numbers, of equal ones once."""
        for number, text in enumerate(self._stripped):
            read = None if text in self._missing else read_formatted([text], self.decimal)
            if read is not None:
                (unit,) = read[1]
                yield self._position(number), text, unit

    def padded(self) -> str | None:
        """Return the first integer with a leading zero, such as 01, or None."""
        texts = self._present if self._markers_are_numbers else self._texts
        match = _PADDED.search("\n".join(("", *texts, "")))
        return match and match[1]

    def distinct(self) -> set[str]:
        """Return the different texts of cells that are not missing, without spaces around them."""
        return set(self._present)

    def text(self) -> Array:
        """Return text (objects), with None for missing values; equal cells share one object."""
        known: dict[str, str] = {}
        missing = self._missing
        return self._expanded(
            objects_of([None if t in missing else known.setdefault(t, t) for t in self._stripped])
        )

    def is_unmistakable(self, decimal: str) -> bool:
        """Return whether all are consistent numbers with this decimal sign and not the other."""
        read = self.formatted(decimal)
        return (
            read is not None and are_consistent(read[1]) and is_unmistakable(self._present, decimal)
        )

    def are_missing(self) -> bool:
        """Return whether all cells are missing."""
        return all(text in self._missing for text in self._stripped)

    def first_mismatch(self, kind: str) -> tuple[int, str]:
        """Return the position and value of the first cell that is not of a kind.

        Args:
            kind: a key of `types` in a data source, or `"boolean"`.
        """
        texts, low, high = self._stripped, 0, len(self._texts)

        def fit(start: int, end: int) -> bool:
            return Cells(texts[start:end], self._missing, self.decimal).read(kind) is not None

        while high - low > 1:  # whether cells fit does not depend on others
            middle = (low + high) // 2
            low, high = (middle, high) if fit(low, middle) else (low, middle)
        if fit(low, high):
            raise LookupError(kind)
        return self._position(low), texts[low]

    @cached_property
    def _stripped(self) -> list[str]:
        return [text.strip(SPACES) for text in self._texts]

    @cached_property
    def _present(self) -> list[str]:
        return [text for text in self._stripped if text not in self._missing]

    def _position(self, number: int) -> int:
        """Return the position of the first cell with one of `texts`."""
        return number if self._codes is None else int(np.argmax(self._codes == number))

    def _read_as(self, kind: type[int | float]) -> Array | None:
        """Return the cells as numbers, with NaN for missing values."""
        numbers = None if self._markers_are_numbers else _converted(self._texts, kind)
        if numbers is not None:
            return self._expanded(numbers)
        texts = self._present
        if self.decimal == ",":
            texts = [text.translate(_EXCHANGED) for text in texts]
        numbers = _converted(texts, kind)
        return None if numbers is None else self._placed(numbers)

    def _placed(self, present: Array) -> Array:
        """Return the values of the cells that are not missing in their positions, else NaN."""
        array = present
        if len(present) < len(self._texts):
            array = np.full(len(self._texts), np.nan)
            array[[text not in self._missing for text in self._stripped]] = present
        return self._expanded(array)

    def _expanded(self, array: Array) -> Array:
        """Return the values of all cells, given a value for each of `texts`."""
        if self._codes is None:
            return array
        cells: Array = array[self._codes]
        return cells


def _converted(texts: Sequence[str], kind: type[int | float]) -> Array | None:
    """Return texts as 64-bit numbers of a kind, or None if one is not such a number."""
    try:
        numbers = np.fromiter(map(kind, texts), np.dtype(kind), len(texts))
    except (ValueError, OverflowError):
        return None
    return None if _FOREIGN.search("".join(texts)) else numbers


@lru_cache(maxsize=64)
def _include_numbers(markers: frozenset[str]) -> bool:
    """Return the same as `Cells.include_numbers`, once for the markers of many columns."""
    return Cells.include_numbers(markers)


def _is_number(text: str) -> bool:
    """Return whether Python reads a text as a number other than NaN."""
    try:
        return float(text) == float(text)  # NaN always counts as missing
    except ValueError:
        return False


def _number(cells: Cells, decimal: str | None = None) -> Array | None:
    plain = cells.numbers() if decimal is None else None
    formatted = cells.formatted(decimal) if plain is None else None
    return plain if formatted is None else formatted[0]


def _integer(cells: Cells) -> Array | None:
    integers = cells.integers()
    if integers is None:
        integers = _number(cells)
        if integers is None or not (np.isnan(integers) | (integers % 1 == 0)).all():
            return None
    return integers.astype(np.int64) if np.isfinite(integers).all() else integers


_Read = Callable[[Cells], Array | None]

_READ: Mapping[str, _Read] = MappingProxyType(
    {
        "integer": _integer,
        "number": _number,
        "comma_number": lambda cells: _number(cells, ","),
        "boolean": lambda cells: cells.numbers_or_booleans(),
        "text": lambda cells: cells.text(),
    }
)
_PLAIN: Mapping[str, _Read] = MappingProxyType(
    {
        "integer": lambda cells: cells.integers(),
        "number": lambda cells: cells.numbers(),
        "boolean": lambda cells: cells.booleans(),
    }
)
