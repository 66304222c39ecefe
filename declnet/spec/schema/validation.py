"""What is right: definitions in which every fault is reported once, at its place.

A union of tables would report a wrong key at every line of a table, as fitting none of them.
Here the type of a table chooses what is asked of it. `additionalProperties: false` would report an
unknown key at its whole table, too; a schema that nothing fulfils is reported at the key's value.

A spec that extends another one may have parts of tables: their definitions begin with `partial-`,
and require nothing. What stands in a list is whole, since lists are not merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from declnet.components.json_schema import KIND
from declnet.spec.schema.catalogue import Catalogue
from declnet.spec.schema.forms import DEFINITIONS, Schema, definition_name, reference
from declnet.spec.schema.unions import union

PARTIAL = "partial-"
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NOTES = ("description", "default", "examples")


def validation_definitions(catalogue: Catalogue, names: Iterable[str]) -> dict[str, Schema]:
    """The definitions of these names, and of all that they lead to."""
    kinds = {definition_name(kind): kind for kind in catalogue.kinds}
    made: dict[str, Schema] = {}
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        partial, plain = name.startswith(PARTIAL), name.removeprefix(PARTIAL)
        if plain in catalogue.forms:
            made[name] = _Writer(partial).schema(catalogue.forms[plain])
        elif plain in kinds:
            made[name] = _kind(kinds[plain], catalogue, partial)
        else:
            made[name] = _types(kinds[plain.removesuffix("-types")], catalogue)
        waiting |= set(_references(made[name])) - made.keys()
    return made


class _Writer:
    """Rewrites what pydantic says, for whole tables or for parts of them."""

    def __init__(self, partial: bool) -> None:
        self._prefix = PARTIAL if partial else ""

    def schema(self, form: Schema) -> Schema:
        """The same in the form that faults are exact in."""
        notes = {key: form[key] for key in _NOTES if key in form}
        if KIND in form:
            return _noted(notes, self._component(form))
        if "$ref" in form:
            notes.pop("default", None)
            return _noted(notes, self._reference(form["$ref"].removeprefix(DEFINITIONS)))
        for word in ("anyOf", "oneOf"):
            if word in form:
                return {**notes, **union([self.schema(each) for each in form[word]])}
        return self._plain(form)

    def _component(self, form: Schema) -> Schema:
        component = self._reference(definition_name(form[KIND]))
        if "number" not in form["type"]:
            return component
        number = {"type": "number", **{key: form[key] for key in _BOUNDS if key in form}}
        return union([number, {"type": ["string", "object"], "allOf": [component]}])

    def _reference(self, name: str) -> Schema:
        return reference(self._prefix + name)

    def _plain(self, form: Schema) -> Schema:
        schema = dict(form)
        if self._prefix:
            schema.pop("required", None)
        if "properties" in form:
            schema["properties"] = {
                key: self.schema(each) for key, each in form["properties"].items()
            }
        if form.get("additionalProperties") is False:
            schema["additionalProperties"] = unknown_key(form.get("properties", {}))
        elif isinstance(form.get("additionalProperties"), dict):
            schema["additionalProperties"] = self.schema(form["additionalProperties"])
        items = form.get("items")
        if isinstance(items, dict):
            schema["items"] = _Writer(partial=False).schema(items)
        elif isinstance(items, list):
            schema["items"] = [_Writer(partial=False).schema(each) for each in items]
        return schema


def _noted(notes: Schema, schema: Schema) -> Schema:
    """A schema with notes; what stands beside `$ref` would be ignored."""
    if not notes:
        return schema
    return {**notes, **({"allOf": [schema]} if "$ref" in schema else schema)}


def unknown_key(known: Iterable[str]) -> Schema:
    """What nothing fulfils, with what is to be said of it."""
    message = f"unknown key; keys here: {', '.join(known) or 'none'}"
    return {"not": {"description": message}, "errorMessage": message}


def _kind(kind: str, catalogue: Catalogue, partial: bool) -> Schema:
    """A bare name, or a table that is as its type says."""
    types = reference(f"{definition_name(kind)}-types")
    prefix = PARTIAL if partial else ""
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": reference(prefix + definition),
        }
        for name, definition in catalogue.kinds[kind].items()
    ]
    table: Schema = {"properties": {"type": types}}
    if partial:
        cases.append({"if": {"required": ["type"]}, "else": _keys_of_any(kind, catalogue)})
    else:
        table["required"] = ["type"]
    if cases:
        table["allOf"] = cases
    return {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": types,
        "else": {"if": {"type": "object"}, "then": table},
        "examples": list(catalogue.kinds[kind]),
    }


def _keys_of_any(kind: str, catalogue: Catalogue) -> Schema:
    """A part of a table whose type only the base says: any key that some type has."""
    forms = (catalogue.forms[definition] for definition in catalogue.kinds[kind].values())
    keys = dict.fromkeys(key for form in forms for key in form.get("properties", {}))
    return {"properties": dict.fromkeys(keys, True), "additionalProperties": unknown_key(keys)}


def _types(kind: str, catalogue: Catalogue) -> Schema:
    """The names of a kind's types, each with its summary."""
    types = catalogue.kinds[kind]
    summaries = [catalogue.summaries[definition] for definition in types.values()]
    return {"enum": list(types), "enumDescriptions": summaries}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(DEFINITIONS)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
