"""Numbers formatted for people: grouped thousands, currency and percent signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from declnet.contracts.arrays import Array

_SIGN = "[+\u2212-]?"
_CODES = "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|SEK|TRY|USD|ZAR"
_SYMBOL = f"(?:(?:US|A|C|R|NZ|HK)?\\$|[€£¥₹₽₩₺₫₴₪฿%]|zł|kr|Kč|{_CODES})"
_GROUPS = "'\u2019 \u00a0\u202f"
"""Apostrophes and spaces, which group thousands, as the other decimal sign does."""
_SPACES = " \u00a0\u202f"

PERCENT = "%"

_FOREIGN = re.compile(r"_|[^\x21-\x7e]")
_EXCHANGED = str.maketrans(".,", ",.")
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
    if _FOREIGN.search(cell):
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
