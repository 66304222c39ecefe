"""Ranges of a sweep: `{ from = 0, to = 3 }`, `{ linear = [0, 1], count = 5 }`, `{ log = … }`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from declnet.errors import KeyPath
from declnet.registry.spelling import suggestion
from declnet.spec.shown_values import shown
from declnet.spec.varying_keys import Reader

_KEYS = {
    "from": ("from", "to", "step"),
    "linear": ("linear", "count"),
    "log": ("log", "count"),
}
_ALL_KEYS = {key for keys in _KEYS.values() for key in keys}
FORMS = (
    "{ from = 0, to = 3 }, { linear = [0.0, 0.5], count = 6 } and { log = [16, 1024], count = 4 }"
)
MOST_VALUES = 10_000
DIGITS = 6
"""Significant digits of the values between the ends of a range."""


def is_range(value: Any) -> bool:
    """Return whether a value is a table with a key of a range."""
    return isinstance(value, Mapping) and not _ALL_KEYS.isdisjoint(value)


def range_values(reader: Reader, table: Mapping[str, Any], at: KeyPath) -> list[Any]:
    """Return the values of a range, both ends included; none if an error is reported.

    `from`, `to` and `step` are integers. `linear` and `log` have `count` values at equal
    distances or with equal ratios: integers if both ends are, else rounded to six digits.

    Args:
        reader: where errors are reported.
        table: the range.
        at: its path in the document.
    """
    before = len(reader.problems)
    forms, hint = [form for form in _KEYS if form in table], f"ranges are {FORMS}"
    if not forms:
        unknown = table.keys() - _ALL_KEYS
        for key in unknown:
            similar = suggestion(str(key), _KEYS, "ranges have one of")
            reader.report(f'unknown key "{key}"', similar, (*at, key), "E010", by_key=True)
        if not unknown:
            reader.report("a range has from, linear or log", hint, at, "E011")
        return []
    if len(forms) > 1:
        message = f"a range has one of {', '.join(_KEYS)}, not {' and '.join(forms)}"
        reader.report(message, hint, at, "E053")
        return []
    (form,) = forms
    reader.require_keys(table, at, _KEYS[form], [*_KEYS[form][:2]], hint)
    for key in ("from", "to", "step", "count"):
        if key in table and key in _KEYS[form] and type(table[key]) is not int:
            message = f'"{key}" must be an integer, not {shown(table[key])}'
            other = "for other numbers: { linear = [0.0, 0.5], count = 6 }"
            reader.report(message, other if form == "from" else None, (*at, key), "E012")
    if len(reader.problems) > before:
        return []
    values = _integers(reader, table, at) if form == "from" else _between(reader, table, form, at)
    return values if len(reader.problems) == before else []


def _integers(reader: Reader, table: Mapping[str, Any], at: KeyPath) -> list[Any]:
    first, last, step = table["from"], table["to"], table.get("step", 1)
    if step < 1:
        reader.report(f'"step" must be at least 1, not {step}', None, (*at, "step"), "E013")
    elif last < first:
        message = f'"to" must be at least {first}, as "from" is, not {last}'
        reader.report(message, None, (*at, "to"), "E013")
    elif (last - first) // step >= MOST_VALUES:
        message = f"the range has more than {MOST_VALUES:,} values"
        reader.report(message, None, (*at, "to"), "E013")
    else:
        return list(range(first, last + 1, step))
    return []


def _between(reader: Reader, table: Mapping[str, Any], form: str, at: KeyPath) -> list[Any]:
    """Return the ends, and what is between them."""
    ends, count, at_ends, at_count = table[form], table["count"], (*at, form), (*at, "count")
    numbers = isinstance(ends, list) and all(type(end) in (int, float) for end in ends)
    if not numbers or len(ends) != 2 or not all(map(math.isfinite, ends)):
        message = f'"{form}" must be a list of two numbers, not {shown(ends)}'
        reader.report(message, None, at_ends, "E012")
    elif ends[0] == ends[1]:
        reader.report(f'the ends of "{form}" are equal', None, at_ends, "E013")
    elif form == "log" and min(ends) <= 0:
        message = f'the ends of "log" must be greater than 0, not {shown(min(ends))}'
        reader.report(message, None, at_ends, "E013")
    elif not 2 <= count <= MOST_VALUES:
        message = f'"count" must be from 2 to {MOST_VALUES:,}, not {count}'
        reader.report(message, None, at_count, "E013")
    else:
        first, last = ends
        values = _spaced(first, last, count, by_ratio=form == "log")
        if len(set(values)) == count:
            return values
        kind = "integers" if type(values[0]) is int else "numbers"
        few = f"there are fewer than {count} different {kind} between"
        reader.report(f"{few} {shown(first)} and {shown(last)}", None, at_count, "E013")
    return []


def _spaced(first: float, last: float, count: int, *, by_ratio: bool) -> list[Any]:
    spaced = np.geomspace if by_ratio else np.linspace
    inner = spaced(first, last, count)[1:-1].tolist()
    if type(first) is int and type(last) is int:
        return [first, *map(round, inner), last]
    return [float(first), *(float(f"{value:.{DIGITS}g}") for value in inner), float(last)]
