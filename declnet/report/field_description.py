"""A field of a component or a section, in the words of someone who writes specs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from declnet.components.component import Component

_PLAIN = {int: "integer", float: "number", bool: "true or false", str: "string", Path: "path"}
_SIGNS = {
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "above": ">",
    "minimum": ">=",
    "below": "<",
    "min_length": "length >=",
    "max_length": "length <=",
}


@dataclass(frozen=True)
class FieldDescription:
    """A key of a table, as text; `default` is `"required"` where there is none."""

    name: str
    type: str
    default: str
    range: str
    description: str


def describe_field(name: str, field: FieldInfo) -> FieldDescription:
    """Describes a field of a pydantic model."""
    return FieldDescription(
        name=name,
        type=type_in_words(field.annotation),
        default="required" if field.is_required() else _value(field.get_default()),
        range=", ".join(_bounds(field.metadata)),
        description=field.description or "",
    )


def type_in_words(annotation: Any) -> str:
    """A type as a user of specs says it, e.g. `number or schedule`, `list of integers`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        words = (type_in_words(each) for each in arguments if each is not NoneType)
        return " or ".join(words)
    if origin is Literal:
        return " or ".join(f'"{each}"' for each in arguments)
    if origin in (tuple, list, Annotated):
        inner = type_in_words(arguments[0])
        return inner if origin is Annotated else f"list of {inner}s"
    if isinstance(annotation, type) and issubclass(annotation, Component):
        named = "" if annotation.is_contract() else f' "{annotation.type}"'
        return annotation.kind + named
    return _PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(metadata: list[Any]) -> list[str]:
    """The ranges in a field's metadata (annotated-types, or declnet's `NumberOr`)."""
    bounds = []
    for constraint in metadata:
        for attribute, sign in _SIGNS.items():
            bound = getattr(constraint, attribute, None)
            if bound is not None and abs(bound) != float("inf"):
                shown = str(bound) if isinstance(bound, int) else f"{bound:g}"
                bounds.append(f"{sign} {shown}")
    return bounds


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Component):
        return value.type
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == ():
        return "[]"
    return str(value)
