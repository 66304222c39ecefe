"""Forms rewritten so that every fault is reported once, at its place.

`additionalProperties: false` would report an unknown key at its whole table; a schema that nothing
fulfils is reported at the key's value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from declnet.components.json_schema import KIND
from declnet.spec.schema.forms import DEFINITIONS, Schema, definition_name, reference
from declnet.spec.schema.unions import union

PARTIAL = "partial-"
"""Begins the names of definitions for parts of tables, which require nothing."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NOTES = ("description", "default", "examples")


def exact(form: Schema, prefix: str = "") -> Schema:
    """What a form takes, in the form that faults are exact in.

    Args:
        form: as `forms_of` gives it.
        prefix: `PARTIAL` for parts of tables. What stands in a list is whole all the same, since a
            list replaces that of a base.
    """
    notes = {key: form[key] for key in _NOTES if key in form}
    if KIND in form:
        return _noted(notes, _component(form, prefix))
    if "$ref" in form:
        notes.pop("default", None)
        return _noted(notes, reference(prefix + form["$ref"].removeprefix(DEFINITIONS)))
    for word in ("anyOf", "oneOf"):
        if word in form:
            return {**notes, **union([exact(each, prefix) for each in form[word]])}
    return _plain(form, prefix)


def unknown_key(known: Iterable[str]) -> Schema:
    """What nothing fulfils, with what is to be said of it.

    Taplo shows what must not be, VS Code the `errorMessage`.
    """
    message = f"unknown key; keys here: {', '.join(known) or 'none'}"
    return {"not": {"description": message}, "errorMessage": message}


def _component(form: Schema, prefix: str) -> Schema:
    component = reference(prefix + definition_name(form[KIND]))
    if "number" not in form["type"]:
        return component
    number = {"type": "number", **{key: form[key] for key in _BOUNDS if key in form}}
    return union([number, {"type": ["string", "object"], "allOf": [component]}])


def _noted(notes: Schema, schema: Schema) -> Schema:
    """A schema with notes; what stands beside `$ref` would be ignored."""
    if notes and "$ref" in schema:
        return {**notes, "allOf": [schema]}
    return {**notes, **schema}


def _plain(form: Schema, prefix: str) -> Schema:
    schema = dict(form)
    if prefix:
        schema.pop("required", None)
    if "properties" in form:
        schema["properties"] = {
            key: exact(each, prefix) for key, each in form["properties"].items()
        }
    others: Any = form.get("additionalProperties")
    if others is False:
        schema["additionalProperties"] = unknown_key(form.get("properties", {}))
    elif isinstance(others, dict):
        schema["additionalProperties"] = exact(others, prefix)
    items: Any = form.get("items")
    if isinstance(items, dict):
        schema["items"] = exact(items)
    elif isinstance(items, list):
        schema["items"] = [exact(each) for each in items]
    return schema
