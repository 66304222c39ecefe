"""What every component promises as a declaration, whatever its kind."""

from __future__ import annotations

import inspect
import json

from pydantic import ValidationError

from declnet.testing.check import check
from declnet.testing.checks.round_trip_checks import declared
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.subjects import Subject

UNKNOWN = "no_such_key_anywhere"


@check
def has_a_docstring(subject: Subject) -> None:
    """Says in a docstring what it computes."""
    cls = type(subject.instance)
    if not inspect.cleandoc(vars(cls).get("__doc__") or "").strip():
        raise CheckFailed(f"{cls.__name__} has no docstring; write its equation and its shapes")


@check
def describes_its_fields(subject: Subject) -> None:
    """Describes each field, for the editor's completion and `declnet plugins show`."""
    fields = type(subject.instance).model_fields
    plain = set(fields) if subject.kind == "kernel" else set()
    plain |= {"layer", "loss"} if subject.kind == "fusion" else set()
    bare = [name for name in fields if name not in plain and not fields[name].description]
    if bare:
        raise CheckSkipped(f"no description of {', '.join(bare)}; add Field(description=…)")


@check
def is_frozen(subject: Subject) -> None:
    """Refuses to be changed, so that runs can share it."""
    instance = subject.instance
    for name in type(instance).model_fields:
        try:
            setattr(instance, name, getattr(instance, name))
        except ValidationError:
            continue
        raise CheckFailed(f"the field {name} can be set; leave model_config's frozen=True alone")
    if not type(instance).model_config.get("frozen"):
        raise CheckFailed("it can be changed; leave model_config's frozen=True alone")


@check
def refuses_unknown_keys(subject: Subject) -> None:
    """Refuses keys that it does not have, so that a misspelt one is no silent default."""
    with calling("model_dump"):
        table = subject.instance.model_dump(mode="json", exclude_none=True)
    try:
        declared(subject, {**table, UNKNOWN: 1})
    except ValidationError:
        return
    raise CheckFailed('it takes any key; leave model_config\'s extra="forbid" alone')


@check
def has_a_json_schema(subject: Subject) -> None:
    """Has a JSON Schema with its type and all of its fields, for editors."""
    cls = type(subject.instance)
    with calling("model_json_schema"):
        schema = cls.model_json_schema()
        json.dumps(schema, allow_nan=False)
    target = schema
    if "$ref" in schema:
        target = schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    properties = target.get("properties", {})
    missing = [name for name in cls.model_fields if name not in properties]
    if missing:
        raise CheckFailed(f"the JSON Schema lacks {', '.join(missing)}; give the field a type")
    if properties.get("type") != {"const": cls.type}:
        raise CheckFailed("the JSON Schema lacks the type; leave the schema to the contract")


CHECKS = (
    has_a_docstring,
    describes_its_fields,
    is_frozen,
    refuses_unknown_keys,
    has_a_json_schema,
)
