"""A kind of component: a bare name, or a table that is as its type says.

A union of tables would report a wrong key at every line of a table, as fitting none of them. Here
the table's type chooses what is asked of it.
"""

from __future__ import annotations

from declnet.spec.schema.catalogue import Catalogue
from declnet.spec.schema.exact import unknown_key
from declnet.spec.schema.forms import Schema, definition_name, reference

TYPES = "-types"
"""Ends the names of definitions for the names of a kind's types."""


def kind_schema(kind: str, catalogue: Catalogue, prefix: str) -> Schema:
    """What a field takes that is typed by a contract.

    Args:
        kind: the contract's.
        catalogue: its types.
        prefix: `PARTIAL` for parts of tables.
    """
    types = reference(definition_name(kind) + TYPES)
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": reference(prefix + definition),
        }
        for name, definition in catalogue.kinds[kind].items()
    ]
    table: Schema = {"properties": {"type": types}}
    if prefix:
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
        "examples": list(catalogue.kinds[kind]),  # VS Code offers them where nothing is written
    }


def types_schema(kind: str, catalogue: Catalogue) -> Schema:
    """The names of a kind's types, each with its summary, which VS Code shows."""
    types = catalogue.kinds[kind]
    summaries = [catalogue.summaries[definition] for definition in types.values()]
    return {"enum": list(types), "enumDescriptions": summaries}


def _keys_of_any(kind: str, catalogue: Catalogue) -> Schema:
    """A part of a table whose type only the base says: any key that some type has."""
    forms = (catalogue.forms[definition] for definition in catalogue.kinds[kind].values())
    keys = dict.fromkeys(key for form in forms for key in form.get("properties", {}))
    return {"properties": dict.fromkeys(keys, True), "additionalProperties": unknown_key(keys)}
