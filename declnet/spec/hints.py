"""What to do about a value, where that is plain from the value itself."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from declnet.errors import KeyPath


def hint_for_value(detail: ErrorDetails) -> str | None:
    """What to do about a value of a wrong type, where that is plain from the value."""
    value = detail["input"]
    if detail["type"] in ("int_type", "float_type", "bool_type") and isinstance(value, str):
        return "remove the quotation marks" if _is_literal(value) else None
    if detail["type"] == "string_type" and isinstance(value, int | float):
        return "put it in quotation marks"
    if detail["type"] in ("int_type", "int_from_float") and isinstance(value, float):
        return f"write {int(value)}" if value.is_integer() else None
    if detail["type"] in ("tuple_type", "list_type") and isinstance(value, str | dict):
        section = ", or as a section: [[ … ]]" if isinstance(value, dict) else ""
        return f"put it in brackets: [ … ]{section}"
    if detail["type"] in ("model_type", "dict_type") and isinstance(value, list | tuple):
        return "remove a pair of brackets: it is one table, no list of them" if value else None
    return None


def hint_in_bare_name(path: KeyPath, document: Any) -> str | None:
    """What to write for a name alone, where a component has keys that must be given."""
    for part in path[:-1]:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return f'write {{ type = "{document}", {path[-1]} = … }}' if isinstance(document, str) else None


def _is_literal(text: str) -> bool:
    if text in ("true", "false"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
