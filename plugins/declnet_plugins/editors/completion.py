"""Completion for Taplo, the language server behind VS Code's Even Better TOML.

Taplo 0.9 validates against the whole schema, but its completion and hover ignore conditions and
values: they collect every branch of a union. So they get separate definitions, which validate
nothing, with one table for each kind. It lists each key once, with a text that names the types that
have it. The structure follows Taplo's behavior (taplo-common/src/schema/mod.rs and
taplo-lsp/src/handlers/completion.rs):

- It offers keys of `properties`, and their keys, five levels down. It follows `patternProperties`
  only at their key, so these contain what is below a component.
- Where a value is expected, it also offers the values of all keys below, unless they have an
  `enum`: hence the empty ones. A default next to them is still inserted with a chosen key.
- In an array of tables, it looks for a table's key below a second index: hence `items`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from declnet import Layer
from declnet_plugins.editors.catalog import (
    BLOCK,
    DEFINITIONS,
    KIND,
    SPEC,
    Catalog,
    Schema,
    definition_name,
    reference,
)

COMPLETION = "completion-"

_Uses = Mapping[str, Schema]
"""The schemas of one key, by the types that have the key."""


def completion_definitions(catalog: Catalog) -> dict[str, Schema]:
    """Return the definitions; `completion-spec` leads to all others."""
    schemas = {}
    for name, table in catalog.tables.items():
        if _is_section(name) and name != BLOCK:
            uses = {key: {"": schema} for key, schema in _offered(table)}
            schemas[COMPLETION + name] = {**_table(uses, 1), "description": table["description"]}
    for kind, types in catalog.kinds.items():
        schemas |= _kind(kind, types, catalog)
    return schemas


def _kind(kind: str, types: Mapping[str, str], catalog: Catalog) -> dict[str, Schema]:
    name = COMPLETION + definition_name(kind)
    described: Schema = {"description": f"which {_words(kind)}"}
    uses: dict[str, dict[str, Schema]] = {"type": dict.fromkeys(types or ("",), described)}
    for type_name, definition in types.items():
        for key, schema in _offered(catalog.tables[definition]):
            if key != "type":
                uses.setdefault(key, {})[type_name] = schema
    if kind == Layer.kind:
        for key, schema in catalog.tables[BLOCK]["properties"].items():
            uses.setdefault(key, {"block": schema})
    names = reference(f"{name}-types")
    table = _table(uses, max(1, len(types)))
    table["patternProperties"]["^type$"] = names
    summaries = [catalog.summaries[definition] for definition in types.values()]
    docs = {"enum": list(types), "x-taplo": {"docs": {"enumValues": summaries}}}
    return {name: {**table, "items": reference(name), "anyOf": [names]}, f"{name}-types": docs}


def _offered(table: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the keys of a table with their schemas, except deprecated keys."""
    for key, schema in table.get("properties", {}).items():
        if not schema.get("deprecated"):
            yield key, schema


def _table(keys: Mapping[str, _Uses], types: int) -> Schema:
    """Return a table; a key shared by all `types` types does not list their names."""
    inner = {key: _values(list(uses.values())) for key, uses in keys.items()}
    return {
        "type": "object",
        "properties": {key: _key(uses, types) for key, uses in keys.items()},
        "patternProperties": {f"^{re.escape(key)}$": item for key, item in inner.items() if item},
    }


def _key(uses: _Uses, types: int) -> Schema:
    """Return a key as offered, with the properties common to all its uses."""
    schemas = list(uses.values())
    if "$ref" in schemas[0] and len(schemas) == 1:
        return _inside(schemas[0])
    key: Schema = {"description": _text(uses, types), "enum": []}
    for word in ("const", "default", "type"):
        values = [schema.get(word) for schema in schemas]
        is_one = values[0] is not None and all(value == values[0] for value in values)
        if KIND not in schemas[0] and is_one:
            key[word] = values[0]
    if key.get("type") == "array":
        items = schemas[0].get("items", {})
        plain = "type" in items and KIND not in items
        key["items"] = {"type": items["type"]} if plain else {"enum": []}
    return key


def _text(uses: _Uses, types: int) -> str:
    """Return the descriptions, each preceded by the types that it applies to."""
    owners: dict[str, list[str]] = {}
    for owner, schema in uses.items():
        owners.setdefault(_description(schema), []).append(owner)
    return "\n\n".join(
        text if len(names) == types else f"{', '.join(names)}: {text}"
        for text, names in owners.items()
    )


def _description(schema: Schema) -> str:
    text = schema.get("description", "")
    if not text and KIND in schema:
        words = _words(schema[KIND])
        article = "an" if words[0] in "aeiou" else "a"
        text = f"{article} {words}: its type's name, or a table with a type"
    if "default" in schema and schema["default"] != []:
        text += f" (default: {json.dumps(schema['default'])})"
    return str(text)


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _values(schemas: list[Schema]) -> Schema:
    """Return the values that may follow a key."""
    inside = [values for values in map(_inside, schemas) if values]
    distinct = {json.dumps(values, sort_keys=True): values for values in inside}
    return _any_of(list(distinct.values()))


def _any_of(branches: list[Schema]) -> Schema:
    return branches[0] if len(branches) == 1 else {"anyOf": branches} if branches else {}


def _inside(schema: Schema) -> Schema:  # noqa: PLR0911  # a case for each form
    if KIND in schema:
        return reference(COMPLETION + definition_name(schema[KIND]))
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(DEFINITIONS)
        return reference(COMPLETION + name) if _is_section(name) else schema
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return {"type": "array", "items": _inside(schema["items"])}
    if "if" in schema:
        return _inside(schema["else"])
    if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
        return {"type": "object", "additionalProperties": _inside(schema["additionalProperties"])}
    if "anyOf" in schema:
        return _any_of([_inside(branch) for branch in schema["anyOf"]])
    words = ("type", "enum", "const", *(["default"] if schema.get("type") != "boolean" else []))
    return {word: schema[word] for word in words if word in schema}


def _is_section(name: str) -> bool:
    """Return whether a definition belongs to a spec or a section."""
    return name.partition(".")[0] == SPEC
