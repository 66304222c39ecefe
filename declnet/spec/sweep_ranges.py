"""Ranges of a sweep: `{ from = 0, to = 3 }`, `{ linear = [0, 1], count = 5 }`, `{ log = … }`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from declnet.errors import Diagnostic, KeyPath
from declnet.registry.spelling import suggestion
from declnet.spec.messages import shown

_KEYS = {
    "from": ("from", "to", "step"),
    "linear": ("linear", "count"),
    "log": ("log", "count"),
}
FORMS = (
    "{ from = 0, to = 3 }, { linear = [0.0, 0.5], count = 6 } and { log = [16, 1024], count = 4 }"
)
MOST_VALUES = 10_000
DIGITS = 6
"""Significant digits of the values between the ends of a range."""


def is_range(value: Any) -> bool:
    """Return whether a value is a table with a key of a range."""
    known = {key for keys in _KEYS.values() for key in keys}
    return isinstance(value, Mapping) and not known.isdisjoint(value)


def range_values(table: Mapping[str, Any], at: KeyPath) -> tuple[list[Any], list[Diagnostic]]:
    """Return the values of a range, both ends included; none if there is an error.

    `from`, `to` and `step` are integers. `linear` and `log` have `count` values at equal
    distances or with equal ratios: integers if both ends are, else rounded to six digits.

    Args:
        table: the range.
        at: its path in the document.
    """
    problems: list[Diagnostic] = []

    def report(message: str, code: str, key: str = "", *, hint: str | None = None) -> None:
        path, focus = ((*at, key), "value") if key in table else (at, "value")
        problems.append(Diagnostic(message, hint, path, code, focus=focus))  # type: ignore[arg-type]

    forms = [form for form in _KEYS if form in table]
    if not forms:
        known = {key for keys in _KEYS.values() for key in keys}
        for key in table.keys() - known:
            hint = suggestion(str(key), _KEYS, "ranges have one of")
            message = f'unknown key "{key}"'
            problems.append(Diagnostic(message, hint, (*at, key), "E010", focus="key"))
        if not problems:
            report("a range has from, linear or log", "E011", hint=f"ranges are {FORMS}")
        return [], problems
    if len(forms) > 1:
        message = f"a range has one of {', '.join(_KEYS)}, not {' and '.join(forms)}"
        report(message, "E053", hint=f"ranges are {FORMS}")
        return [], problems
    form = forms[0]
    for key in table:
        if key not in _KEYS[form]:
            hint = suggestion(str(key), _KEYS[form], "keys here")
            message = f'unknown key "{key}"'
            problems.append(Diagnostic(message, hint, (*at, key), "E010", focus="key"))
    for key in _KEYS[form]:
        if key not in table and key != "step" and not problems:
            report(f'"{key}" is missing', "E011", hint=f"ranges are {FORMS}")
    for key in ("from", "to", "step", "count"):
        if key in table and key in _KEYS[form] and type(table[key]) is not int:
            hint = "for other numbers: { linear = [0.0, 0.5], count = 6 }"
            message = f'"{key}" must be an integer, not {shown(table[key])}'
            report(message, "E012", key, hint=hint if form == "from" else None)
    if not problems:
        made = _steps(table, report) if form == "from" else _between(table, form, report)
        if not problems:
            return made, problems
    return [], problems


def _steps(table: Mapping[str, Any], report: Any) -> list[Any]:
    first, last, step = table["from"], table["to"], table.get("step", 1)
    if step < 1:
        report(f'"step" must be at least 1, not {step}', "E013", "step")
    elif last < first:
        report(f'"to" must be at least {first}, as "from" is, not {last}', "E013", "to")
    elif (last - first) // step >= MOST_VALUES:
        report(f"the range has more than {MOST_VALUES:,} values", "E013", "to")
    else:
        return list(range(first, last + 1, step))
    return []


def _between(table: Mapping[str, Any], form: str, report: Any) -> list[Any]:
    ends, count = table[form], table["count"]
    numbers = isinstance(ends, list) and all(type(end) in (int, float) for end in ends)
    if not numbers or len(ends) != 2 or not all(map(math.isfinite, ends)):
        message = f'"{form}" must be a list of two numbers, not {shown(ends)}'
        report(message, "E012", form)
        return []
    first, last = ends
    if first == last:
        report(f'the ends of "{form}" are equal', "E013", form)
    elif form == "log" and min(ends) <= 0:
        report(f'the ends of "log" must be greater than 0, not {shown(min(ends))}', "E013", form)
    elif not 2 <= count <= MOST_VALUES:
        report(f'"count" must be from 2 to {MOST_VALUES:,}, not {count}', "E013", "count")
    if not (first != last and (form != "log" or min(ends) > 0) and 2 <= count <= MOST_VALUES):
        return []
    shares = [number / (count - 1) for number in range(1, count - 1)]
    if form == "log":
        inner = [first * (last / first) ** share for share in shares]
    else:
        inner = [first + (last - first) * share for share in shares]
    whole = all(type(end) is int for end in ends)
    rounded = [round(each) if whole else float(f"{each:.{DIGITS}g}") for each in inner]
    values = [first, *rounded, last] if whole else [float(first), *rounded, float(last)]
    if len(set(values)) < count:
        kind = "integers" if whole else "numbers"
        message = (
            f"there are fewer than {count} different {kind} between {shown(first)} and "
            f"{shown(last)}"
        )
        report(message, "E013", "count")
        return []
    return values
