"""From pydantic's errors to problems in the words of the person who wrote the spec."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from declnet.errors import Diagnostic, KeyPath
from declnet.spec.hints import hint_for_value, hint_in_bare_name
from declnet.spec.shown import shown

_CODES = {
    "unknown_key": "E010",
    "missing_key": "E011",
    "missing": "E011",
    "finite_number": "E013",
    "number": "E013",
    "greater_than": "E013",
    "greater_than_equal": "E013",
    "less_than": "E013",
    "less_than_equal": "E013",
    "multiple_of": "E013",
    "literal_error": "E014",
    "enum": "E014",
    "string_pattern_mismatch": "E014",
    "string_too_short": "E014",
    "string_too_long": "E014",
    "name": "E014",
    "contradiction": "E017",
    "value_error": "E017",
    "too_short": "E018",
    "too_long": "E018",
    "names": "E019",
    "requirement": "E008",
    "version": "E007",
}
"""By pydantic's sort of error, or ours; whatever is not here is a value of a wrong type."""

_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "finite_number": "must be finite",
    "missing": "is missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "path_type": "must be a path",
}
_BOUNDS = {
    "greater_than": ("must be greater than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}


def problems_of(error: ValidationError, document: Any) -> list[Diagnostic]:
    """Every fault that pydantic found, each with its key path and, where one is known, a hint.

    Args:
        error: from the validation of `document`.
        document: what was validated.
    """
    return [_problem(detail, document) for detail in error.errors() if not _miscounted(detail)]


def _miscounted(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only since pydantic does not count its wrong items."""
    items = detail["input"]
    least = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and isinstance(items, list | tuple) and len(items) >= least


def _problem(detail: ErrorDetails, document: Any) -> Diagnostic:
    path = _keys_only(detail["loc"], document)
    context = detail.get("ctx", {})
    code = context.get("code", _CODES.get(detail["type"], "E012"))
    message = _message(detail)
    if code == "E017" and message.startswith("must "):
        code = "E012"  # a field's own validator
    if code == "E010":
        message = f'unknown key "{path[-1]}"' if path else message
    elif message.startswith(("must ", "is missing")):
        message = f"{_subject(path)} {message}"
    whole = code == "E012" and isinstance(detail["input"], dict)  # a table's key says which it is
    focus: Literal["key", "value"] = "key" if code == "E010" or whole else "value"
    hint = context.get("hint") or hint_for_value(detail)
    if code == "E011" and path:
        hint = hint_in_bare_name(path, document) or hint
    return Diagnostic(message, hint, path, code, focus=focus)


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    found = f", not {shown(detail['input'])}"
    if kind in _EXPECTED:
        return _EXPECTED[kind] + ("" if kind == "missing" else found)
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{words} {_number(context.get(key))}{found}"
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length", context.get("max_length"))
        which = "at least" if kind == "too_short" else "at most"
        return f"must have {which} {bound} item{'s' if bound != 1 else ''}"
    plain = {
        "string_pattern_mismatch": f"must match the pattern {context.get('pattern')}{found}",
        "literal_error": f"must be {_choices(context)}{found}",
        "value_error": str(context.get("error")),
    }
    if kind in plain:
        return plain[kind]
    message = detail["msg"].removeprefix("Input should ").removeprefix("Value should ")
    return detail["msg"] if message == detail["msg"] else f"must {message}{found}"


def _choices(context: dict[str, Any]) -> str:
    return str(context.get("expected")).replace("'", '"')


def _number(bound: Any) -> str:
    """A bound as people write it: 0, not 0.0."""
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _subject(path: KeyPath) -> str:
    """What a sentence about a value begins with."""
    if not path:
        return "the spec"
    last = path[-1]
    if isinstance(last, str):
        return f'"{last}"'
    list_name = next((part for part in reversed(path) if isinstance(part, str)), "the list")
    return f'item {last} of "{list_name}"'


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
