"""What pydantic says in JSON Schema of components, and of fields that hold them.

A field that takes any component of a kind says only which kind: what is installed is no business of
a class. `declnet.spec.schema` puts the components of a registry in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

KIND = "x-declnet-kind"
"""The keyword that says which kind of component stands here."""


def any_of_kind(kind: str, number: Mapping[str, float] | None = None) -> JsonSchemaValue:
    """A component's name, or a table with a type; a number too if its bounds are given.

    Args:
        kind: of the component.
        number: `minimum` and the like, maybe none of them; None if no number is taken.
    """
    types = ["string", "object"] if number is None else ["number", "string", "object"]
    return {"type": types, "required": ["type"], KIND: kind, **(number or {})}


def table_of_component(
    name: str, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
) -> JsonSchemaValue:
    """The table of a component: its fields, and the type before them.

    Args:
        name: the component's type.
        schema: of its fields.
        handler: pydantic's.
    """
    described = handler(schema)
    target: dict[str, Any] = handler.resolve_ref_schema(described)
    target["properties"] = {"type": {"const": name}, **target.get("properties", {})}
    target["required"] = ["type", *target.get("required", [])]
    return described
