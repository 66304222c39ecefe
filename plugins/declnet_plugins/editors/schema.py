"""The JSON Schema of spec files, for editors.

It has two separate parts: the definitions for validation, built here, which report each error once
and on its own line; and those of `completion`, for an editor that ignores conditions.

Three idioms keep errors precise. An unknown key has a schema that no value satisfies, since
`additionalProperties: false` is reported for the whole table. A component's `type` selects the
schema of its table, since a union would report an error in one key as matching no branch. Other
unions select a branch by the type of the value, if possible.

A spec that extends another may contain partial tables, so each definition that it may change also
has a partial form, which requires nothing. Every value may also be the name of a variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from declnet import Preset, Registry, TrainingSpec, file_tables
from declnet_plugins.editors.catalog import (
    BLOCK,
    DEFINITIONS,
    KIND,
    SPEC,
    STUDY,
    Catalog,
    Schema,
    catalog_of,
    component_tables,
    definition_name,
    objects_in,
    reference,
    tables_of,
)
from declnet_plugins.editors.completion import COMPLETION, completion_definitions

VERSION = "declnet"
"""The key that says which version of the format a spec has."""

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that Taplo supports in full."""

PARTIAL = "partial-"
"""Prefix of the names of partial definitions."""

MEMBER = "member"
"""The name of the definition of a member."""

TYPES = "-types"
"""Suffix of the names of definitions for a kind's types."""

_ALTERNATIVES = {
    SPEC: ("losses", "loss"),
    definition_name(SPEC, TrainingSpec.__name__): ("max_steps", "epochs"),
    STUDY: ("minutes", "trials"),
}
"""Tables that need one key or another; whether they may have both, declnet itself reports."""
VARIABLE = "variable"
"""The name of the definition of what every value may be instead."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NOTES = ("description", "default", "examples", "deprecated")


def json_schema(registry: Registry) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of spec files, both TOML and JSON.

    Args:
        registry: the components that may be named; each component and each kind has a definition.
    """
    catalog = catalog_of(registry)
    _add_keys_of_files(catalog.tables[SPEC])
    _add_presets(catalog, registry)
    catalog.tables[MEMBER] = _member(catalog.tables[SPEC])
    catalog.tables[STUDY]["properties"]["space"]["additionalProperties"] = _SEARCHED
    _add_blocks(catalog)
    definitions = {**_validation_definitions(catalog), **completion_definitions(catalog)}
    return {
        "$schema": DRAFT,
        "title": "declnet spec",
        "description": catalog.tables[SPEC]["description"],
        "type": "object",
        "if": {"anyOf": [{"required": ["extends"]}, {"required": ["members"]}]},
        "then": reference(PARTIAL + SPEC),
        "else": reference(SPEC),
        "anyOf": [{"not": {}, "anyOf": [reference(COMPLETION + SPEC)]}, {}],
        "definitions": dict(sorted(definitions.items())),
    }


def _add_keys_of_files(spec: Schema) -> None:
    """Add the keys that only files have, and require the version."""
    version = dict(spec["properties"].pop(VERSION))
    version["const"] = version.pop("default")
    names: Schema = {
        "description": "a spec file that this one changes, relative to this file's folder, or "
        "preset:NAME; or a list of them",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    variables: Schema = {
        "description": 'values for "${name}" anywhere in the spec',
        "type": "object",
    }
    sweep: Schema = {
        "description": "keys of the spec that vary, each with its values, for `declnet sweep`",
        "type": "object",
        "properties": _sweep_keys(),
        "additionalProperties": _SWEPT,
    }
    schema = {"description": "location of the JSON Schema for editors", "type": "string"}
    spec["properties"] = {
        VERSION: version,
        "extends": names,
        "variables": variables,
        **spec["properties"],
        "members": {
            "description": "models that make one predictor: each is this spec with other keys",
            "type": "array",
            "minItems": 2,
            "items": reference(PARTIAL + MEMBER),
        },
        "weights": {
            "description": "how the members' weights are chosen: on validation predictions; "
            "default: each has its own",
            "const": "selected",
        },
        "sweep": sweep,
        "tune": {**reference(STUDY), "description": "keys to search, for `declnet tune`"},
        "$schema": schema,
    }
    spec["required"] = [VERSION, *spec["required"]]


def _add_presets(catalog: Catalog, registry: Registry) -> None:
    """Add the section `[preset]`, with the keys of the preset that `extends` names."""
    spec, cases = catalog.tables[SPEC], []
    for entry in registry.entries(Preset.kind):
        name = definition_name(entry.kind, entry.type)
        tables = component_tables(entry, name)
        table = tables[name]
        table.get("properties", {}).pop("type", None)
        table["required"] = [key for key in table.get("required", ()) if key != "type"]
        catalog.tables |= tables
        named = {"const": f"preset:{entry.type}"}
        extends = {"anyOf": [named, {"type": "array", "contains": named}]}
        condition = {"properties": {"extends": extends}, "required": ["extends"]}
        cases.append({"if": condition, "then": {"properties": {"preset": reference(name)}}})
    description = "keys of the preset that this spec extends"
    spec["properties"]["preset"] = {"description": description, "type": "object"}
    spec["allOf"] = cases


def _member(spec: Schema) -> Schema:
    """Return the schema of a table `[[members]]`."""
    others = (VERSION, "$schema", "members", "weights", "sweep", "tune")
    properties = {key: value for key, value in spec["properties"].items() if key not in others}
    weight = {"type": "number", "exclusiveMinimum": 0, "default": 1}
    keys = {
        "spec": {"type": "string", "description": "a spec file that this member changes"},
        "weight": {**weight, "description": "its weight in the mean of the predictions"},
    }
    return {**spec, "properties": {**keys, **properties}, "required": []}


_RANGE: Schema = {
    "description": "integers: from, to, step; or equal distances or ratios: linear or log "
    "with the two ends, and count",
    "type": "object",
    "properties": {
        "from": {"type": "integer", "description": "the first integer"},
        "to": {"type": "integer", "description": "the last integer"},
        "step": {"type": "integer", "minimum": 1, "description": "the distance between two"},
        "linear": {
            "type": "array",
            "description": "the ends of a range of equal distances",
        },
        "log": {"type": "array", "description": "the ends of a range of equal ratios"},
        "count": {"type": "integer", "minimum": 2, "description": "the number of values"},
    },
}
_SWEPT: Schema = {
    "description": "a list of values, or a range",
    "if": {"type": "array"},
    "then": {"type": "array", "minItems": 1},
    "else": {"type": "object"},
}


_SEARCHED: Schema = {
    "description": "a range from low to high, or choices",
    "type": ["object", "array"],
    "properties": {
        "low": {"type": "number", "description": "the smallest value; integers stay integers"},
        "high": {"type": "number", "description": "the largest value"},
        "step": {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "the distance between values",
        },
        "log": {"type": "boolean", "description": "whether to search on a logarithmic scale"},
        "choices": {"type": "array", "minItems": 2, "description": "the values, in place of ends"},
    },
}


def _sweep_keys() -> dict[str, Schema]:
    """Return the schemas of the keys of a sweep that are not keys of the spec."""
    keys: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 2}
    return {
        "seed": {**_RANGE, "type": ["array", "object"], "description": "the seeds of each spec"},
        "zip": {
            "description": "lists of keys that vary together, in place of every combination",
            "type": "array",
            "items": keys,
        },
        "when": {
            "description": "for each key, the values of other keys for which it varies",
            "type": "object",
            "additionalProperties": {"type": "object"},
        },
    }


def _add_blocks(catalog: Catalog) -> None:
    """Accept a block in place of a layer, in the model and in blocks."""
    catalog.tables |= tables_of(file_tables()["block"], BLOCK)
    network = next(table for table in catalog.tables.values() if "layers" in table["properties"])
    keys = [{"required": [key]} for key in ("layers", "repeat", "residual")]
    either = {
        "if": {"type": "object", "not": {"required": ["type"]}, "anyOf": keys},
        "then": {"allOf": [reference(BLOCK)]},
        "else": network["properties"]["layers"]["items"],
    }
    for table in (network, catalog.tables[BLOCK]):
        table["properties"]["layers"]["items"] = either


def _validation_definitions(catalog: Catalog) -> dict[str, Schema]:
    """Return the definitions of a spec and a partial spec, and everything they refer to."""
    schemas: dict[str, Schema] = {VARIABLE: {"type": "string", "pattern": r"^\$\{[^{}]*\}$"}}
    waiting = {SPEC, PARTIAL + SPEC}
    while waiting:
        name = waiting.pop()
        schemas[name] = _definition(name, catalog)
        references = [object_.get("$ref") for object_ in objects_in(schemas[name])]
        names = {text.removeprefix(DEFINITIONS) for text in references if isinstance(text, str)}
        waiting |= names - schemas.keys()
    return schemas


def _definition(name: str, catalog: Catalog) -> Schema:
    prefix = PARTIAL if name.startswith(PARTIAL) else ""
    whole = name.removeprefix(prefix)
    kinds = {definition_name(kind): kind for kind in catalog.kinds}
    if whole in catalog.tables:
        exact = _exact(catalog.tables[whole], prefix)
        if name not in _ALTERNATIVES:
            return exact
        one, other = _ALTERNATIVES[name]
        return {**exact, "if": {"required": [one]}, "else": {"required": [other]}}
    if whole in kinds:
        return _component(kinds[whole], catalog, prefix)
    types = catalog.kinds[kinds[whole.removesuffix(TYPES)]]
    summaries = [catalog.summaries[definition] for definition in types.values()]
    return {"enum": list(types), "enumDescriptions": summaries}  # VS Code shows these


def _component(kind: str, catalog: Catalog, prefix: str) -> Schema:
    """Return the schema of a component: a name, or a table whose `type` selects its schema."""
    names: Schema = {"if": reference(VARIABLE), "else": reference(definition_name(kind) + TYPES)}
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": reference(prefix + definition),
        }
        for name, definition in catalog.kinds[kind].items()
    ]
    table: Schema = {"properties": {"type": names}}
    if prefix:
        cases.append({"if": {"required": ["type"]}, "else": _keys_of_any_type(kind, catalog)})
    else:
        table["required"] = ["type"]
    if cases:
        table["allOf"] = cases
    return {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": names,
        "else": {"if": {"type": "object"}, "then": table},
        "examples": list(catalog.kinds[kind]),  # VS Code offers them where nothing is written yet
    }


def _keys_of_any_type(kind: str, catalog: Catalog) -> Schema:
    """Return the schema of a partial table whose type is only in the base."""
    tables = (catalog.tables[definition] for definition in catalog.kinds[kind].values())
    keys = dict.fromkeys(key for table in tables for key in table.get("properties", {}))
    return {"properties": dict.fromkeys(keys, True), "additionalProperties": _unknown_key(keys)}


def _unknown_key(known: Iterable[str]) -> Schema:
    """Return a schema that nothing satisfies.

    Taplo shows the message in `description`, VS Code the one in `errorMessage`.
    """
    message = f"unknown key; keys here: {', '.join(known) or 'none'}"
    return {"not": {"description": message}, "errorMessage": message}


def _exact(schema: Schema, prefix: str = "") -> Schema:
    """Convert a schema of the catalog to one that reports each error on its own line.

    Args:
        schema: a schema of the catalog.
        prefix: `PARTIAL` for a partial table. List items are always complete, since a list
            replaces the list in a base.
    """
    notes = {key: schema[key] for key in _NOTES if key in schema}
    if KIND in schema:
        component = reference(prefix + definition_name(schema[KIND]))
        if "number" in schema["type"]:
            number = {"type": "number", **{key: schema[key] for key in _BOUNDS if key in schema}}
            component = union([number, {"type": ["string", "object"], "allOf": [component]}])
        return _noted(notes, component)
    if "$ref" in schema:
        notes.pop("default", None)
        section = reference(prefix + schema["$ref"].removeprefix(DEFINITIONS))
        return _noted(notes, {"if": reference(VARIABLE), "else": section})
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return {**notes, **union([_exact(branch, prefix) for branch in schema[word]])}
    if "if" in schema:
        return {**schema, "else": _exact(schema["else"])}
    exact = dict(schema)
    if prefix:
        exact.pop("required", None)
    if "properties" in schema:
        pairs = schema["properties"].items()
        exact["properties"] = {key: _value(value, prefix) for key, value in pairs}
    others: Any = schema.get("additionalProperties")
    if others is False:
        exact["additionalProperties"] = _unknown_key(schema.get("properties", {}))
    elif isinstance(others, dict):
        exact["additionalProperties"] = _value(others, prefix)
    items: Any = schema.get("items")
    if isinstance(items, dict):
        exact["items"] = _value(items)
    elif isinstance(items, list):
        exact["items"] = [_value(item) for item in items]
    return exact


def _value(schema: Schema, prefix: str = "") -> Schema:
    """Convert the schema of a value, which may also be the name of a variable."""
    return _or_variable(_exact(schema, prefix))


def _or_variable(schema: Schema) -> Schema:
    """Return a schema that also accepts a variable, unless it or its definition does already."""
    is_reference = "allOf" in schema or "$ref" in schema or schema.get("if") == reference(VARIABLE)
    is_any_string = schema.keys() - set(_NOTES) == {"type"} and schema["type"] == "string"
    if is_reference or is_any_string or "const" in schema or not schema:
        return schema
    notes = {key: schema[key] for key in _NOTES if key in schema}
    rest = {key: value for key, value in schema.items() if key not in notes}
    return {**notes, "if": reference(VARIABLE), "else": rest}


def _noted(notes: Schema, schema: Schema) -> Schema:
    """Return a schema with notes; keywords next to `$ref` would be ignored."""
    if notes and "$ref" in schema:
        return {**notes, "allOf": [schema]}
    return {**notes, **schema}


def union(branches: list[Schema]) -> Schema:
    """Return a schema that accepts anything that one of the branches accepts.

    If each JSON type (number, string, …) belongs to one branch, conditions select that branch and
    its own error is reported; for `anyOf`, a validator reports only that nothing matches.
    """
    types = [_types(branch) for branch in branches]
    known = [names for names in types if names is not None]
    overlap = any(_overlap(one, other) for one, other in combinations(known, 2))
    if overlap or len(known) < len(types):
        return {"anyOf": branches}
    schema: Schema = {}
    for branch, names in reversed(list(zip(branches, known, strict=True))):
        rest = {"else": schema} if schema else {}
        schema = {"if": {"type": _type(names)}, "then": branch, **rest}
    return {"type": _type([name for names in known for name in names]), **schema}


def _type(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


def _overlap(one: list[str], other: list[str]) -> bool:
    both = {"number" if name == "integer" else name for name in one}
    return any(("number" if name == "integer" else name) in both for name in other)


def _types(branch: Schema) -> list[str] | None:
    """Return the JSON types that a schema accepts, or None if it does not specify them."""
    if "type" in branch:
        accepted = branch["type"]
        return list(accepted) if isinstance(accepted, list) else [accepted]
    values = branch.get("enum", [branch["const"]] if "const" in branch else [])
    names = {_TYPE_NAMES.get(type(value), "") for value in values}
    return sorted(names) if names and "" not in names else None


_TYPE_NAMES = {bool: "boolean", int: "number", float: "number", str: "string"}
