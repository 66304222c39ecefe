"""What pydantic says of a model, made simpler."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]

DEFINITIONS = "#/definitions/"


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": DEFINITIONS + name}


def definition_name(*parts: str) -> str:
    """A definition's name for e.g. a kind and a type.

    Only ASCII letters, digits, `.`, `_` and `-` are kept: readers of schemas disagree on how
    others are to be quoted in a reference.
    """
    return ".".join(re.sub(r"[^A-Za-z0-9_.-]", "_", part) for part in parts)


def forms_of(model: type[BaseModel], name: str) -> dict[str, Schema]:
    """The schema of a model and of the models within it, by their definitions' names.

    Titles and null are left out: a title repeats the key's name, and TOML has no null.

    Args:
        model: any pydantic model.
        name: of its definition; models within it are called `<name>.<class>`.
    """
    template = f"{DEFINITIONS}{name}.{{model}}"
    schema = model.model_json_schema(ref_template=template, schema_generator=_Untitled)
    within = {f"{name}.{key}": form for key, form in schema.pop("$defs", {}).items()}
    if "$ref" in schema:  # a model that holds itself
        within[name] = within[schema["$ref"].removeprefix(DEFINITIONS)]
    else:
        within[name] = schema
    return {key: _simple(form) for key, form in within.items()}


class _Untitled(GenerateJsonSchema):
    """pydantic's generator; what has no schema may be anything, so that the rest has one."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:  # noqa: ARG002
        return {}

    def render_warning_message(self, kind: Any, detail: str) -> None:  # noqa: ARG002
        return None


def _simple(form: Any) -> Any:
    """A schema without titles and null, in the words of draft 7."""
    if isinstance(form, list):
        return [_simple(each) for each in form]
    if not isinstance(form, dict):
        return form
    form = _without_null(form)
    if "prefixItems" in form:
        form["items"] = form.pop("prefixItems")
    simple = {}
    for key, value in form.items():
        if key in ("properties", "patternProperties"):
            simple[key] = {name: _simple(each) for name, each in value.items()}
        elif key == "default":
            simple[key] = _default(value)
        elif key in ("examples", "enum", "const"):
            simple[key] = value
        elif key not in ("title", "discriminator"):
            simple[key] = _simple(value)
    return simple


def _without_null(form: Schema) -> Schema:
    form = dict(form)
    if form.get("default", 0) is None:
        del form["default"]
    branches = form.get("anyOf", [])
    kept = [each for each in branches if each != {"type": "null"}]
    if len(kept) < len(branches):
        del form["anyOf"]
        form = {**kept[0], **form} if len(kept) == 1 else {"anyOf": kept, **form}
    return form


def _default(value: Any) -> Any:
    """A default as one would write it: a component that has its type alone is its name."""
    if isinstance(value, dict) and list(value) == ["type"]:
        return value["type"]
    if isinstance(value, dict):
        return {key: _default(each) for key, each in value.items() if each is not None}
    return value
