"""Checks on every component as a declaration: its fields, serialization, and own check."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import tomli_w
from pydantic import ValidationError

from declnet import Component, RunContext, verified
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require

UNKNOWN = "no_such_key_anywhere"

CODE = re.compile(r"[EW]\d{3}")


@check
def has_a_docstring(subject: Subject) -> None:
    """Says in a docstring what it computes."""
    cls = type(subject.instance)
    fault = f"{cls.__name__} has no docstring; say what it computes, with equation and shapes"
    require(inspect.cleandoc(vars(cls).get("__doc__") or "").strip(), fault)


@check
def describes_its_fields(subject: Subject) -> None:
    """Describes each field, for the editor's completion and `declnet plugins show`."""
    fields = type(subject.instance).model_fields
    bare = [name for name in fields if not fields[name].description]
    checking.skip_unless(not bare, f"no description of {', '.join(bare)}; add Field(description=…)")


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
    frozen = type(instance).model_config.get("frozen")
    require(frozen, "it can be changed; leave model_config's frozen=True alone")


@check
def refuses_unknown_keys(subject: Subject) -> None:
    """Rejects unknown keys, so that a typo does not silently leave a default in place."""
    with calling("model_dump"):
        table = subject.instance.model_dump(mode="json", exclude_none=True)
    try:
        _declared(subject, {**table, UNKNOWN: 1})
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
    require(not missing, f"the JSON Schema lacks {', '.join(missing)}; give the field a type")
    fault = "the JSON Schema lacks the type; leave the schema to the contract"
    require(properties.get("type") == {"const": cls.type}, fault)


@check
def survives_documents(subject: Subject) -> None:
    """Survives a round trip through TOML, JSON and pydantic's dump unchanged."""
    instance, context = subject.instance, {"registry": subject.registry}
    with calling("model_dump"):
        toml = tomli_w.dumps(instance.model_dump(mode="json", exclude_none=True))
        text = json.dumps(instance.model_dump(mode="json"), allow_nan=False)
        dumped, by_pydantic = instance.model_dump(), instance.model_dump_json()
    validate, validate_json = type(instance).model_validate, type(instance).model_validate_json
    builds: dict[str, Callable[[], Any]] = {
        f"TOML ({toml.strip()!r})": lambda: _declared(subject, tomllib.loads(toml)),
        f"JSON ({text})": lambda: _declared(subject, json.loads(text)),
        "model_dump()": lambda: _declared(subject, dumped),
        "model_dump(), by model_validate,": lambda: validate(dumped, context=context),
        "model_dump_json()": lambda: validate_json(by_pydantic, context=context),
    }
    for source, build in builds.items():
        try:
            again = build()
        except ValidationError as error:
            raise CheckFailed(
                f"it cannot be built again from {source}: {error}; fields must be types that TOML "
                "and JSON can write: numbers, strings, booleans, lists, tables, paths, components"
            ) from error
        _require_equal(instance, again, source)


@check
def checks_an_unknown_run(subject: Subject) -> None:
    """Answers with right diagnostics, or none, even where nothing is known of the run."""
    instance = subject.instance
    with calling("check, for an empty RunContext,"):
        diagnostics = verified(Component.check, instance, RunContext())
    for diagnostic in diagnostics:
        path, code = diagnostic.path, diagnostic.code
        for what, text in {"message": diagnostic.message, "help": diagnostic.help or "?"}.items():
            fault = f"the {what} of a diagnostic is {text!r}, which says nothing"
            require(isinstance(text, str) and text.strip(), fault)
        form = "E, for an error, or W, for a warning, and three digits, e.g. W060"
        fault = f"a diagnostic has the code {code!r}; it is {form}"
        require(isinstance(code, str) and CODE.fullmatch(code), fault)
        elsewhere = diagnostic.layer is not None or diagnostic.data is not None
        fault = f"a diagnostic has the path {path!r}; it is () or begins with a field"
        require(not path or elsewhere or path[0] in type(instance).model_fields, fault)


CHECKS = checks_in(globals())


def _declared(subject: Subject, table: Any) -> Any:
    """Build a component as a spec does: by its contract, from a table with a type."""
    contract: Any = type(subject.instance).contract()
    return contract.from_declaration(table, {"registry": subject.registry})


def _require_equal(instance: Any, again: Any, source: str) -> None:
    if again != instance:
        private = getattr(instance, "__pydantic_private__", None) or {}
        if private and again.model_dump() == instance.model_dump():
            raise CheckFailed(
                f"it has the attribute {', '.join(private)}, which is not a field and differs "
                "between instances; keep what changes in the state that it receives"
            )
        raise CheckFailed(
            f"it comes back from {source} as {again!r} instead of {instance!r}; a value of None "
            "that is not the default is lost in TOML, and a serializer may lose more"
        )
