"""From pydantic's errors to problems in the words of the person who wrote the spec."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from declnet.errors import KeyPath, Problem

_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "finite_number": "must be finite",
    "missing": "missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "path_type": "must be a path",
}


def problems_of(error: ValidationError, document: Any, prefix: KeyPath = ()) -> list[Problem]:
    """Every fault that pydantic found, each with its key path and, where one is known, a hint.

    Args:
        error: from the validation of `document`.
        document: what was validated.
        prefix: where the document stands in the whole spec.
    """
    return [_problem(detail, document, prefix) for detail in error.errors()]


def _problem(detail: ErrorDetails, document: Any, prefix: KeyPath) -> Problem:
    path = prefix + _keys_only(detail["loc"], document)
    return Problem(path, _message(detail), detail.get("ctx", {}).get("hint"))


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    found = f", not {_shown(detail['input'])}"
    if kind in _EXPECTED:
        return _EXPECTED[kind] + ("" if kind == "missing" else found)
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        which = "at least" if kind == "too_short" else "at most"
        return f"must have {which} {bound} item{'s' if bound != 1 else ''}"
    plain = {
        "string_pattern_mismatch": f"must match the pattern {context.get('pattern')}{found}",
        "literal_error": f"must be {context.get('expected')}{found}",
        "value_error": str(context.get("error")),
    }
    if kind in plain:
        return plain[kind]
    message = detail["msg"].removeprefix("Input should ").removeprefix("Value should ")
    return detail["msg"] if message == detail["msg"] else f"must {message}{found}"


def _keys_only(location: tuple[str | int, ...], document: Any) -> KeyPath:
    """Drops what pydantic adds to a location beside the keys, such as the branch of a union."""
    keys: list[str | int] = []
    place = document
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(place, str):
            place = {"type": place}
        if isinstance(place, dict) and (part in place or last):
            keys.append(part)
            place = place.get(part)
        elif isinstance(place, list | tuple) and isinstance(part, int):
            keys.append(part)
            place = place[part] if part < len(place) else None
    return tuple(keys)


def _shown(value: Any) -> str:
    shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    shown = shown or (f'"{value}"' if isinstance(value, str) else repr(value))
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
