"""The whole schema: one document for all that is installed."""

from __future__ import annotations

from typing import Any

from declnet.registry.registry import Registry
from declnet.spec.compose import EXTENDS, SCHEMA, VERSION
from declnet.spec.model import FORMAT_VERSION
from declnet.spec.schema.catalogue import SPEC, Catalogue, catalogue_of
from declnet.spec.schema.completion import COMPLETION, completion_definitions
from declnet.spec.schema.exact import PARTIAL
from declnet.spec.schema.forms import Schema, reference
from declnet.spec.schema.validation import validation_definitions

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that Taplo reads whole."""


def json_schema(registry: Registry) -> dict[str, Any]:
    """The JSON Schema (draft 7) of spec files, for editors: TOML and JSON alike.

    Args:
        registry: the components that may be named; each has a definition, and so has each kind.
    """
    catalogue = catalogue_of(registry)
    _add_keys_of_files(catalogue)
    definitions = validation_definitions(catalogue, [SPEC, PARTIAL + SPEC])
    definitions |= completion_definitions(catalogue)
    return {
        "$schema": DRAFT,
        "title": "declnet spec",
        "description": catalogue.forms[SPEC]["description"],
        "type": "object",
        "if": {"required": [EXTENDS]},
        "then": reference(PARTIAL + SPEC),
        "else": reference(SPEC),
        "anyOf": [{"not": {}, "anyOf": [reference(COMPLETION + SPEC)]}, {}],
        "definitions": dict(sorted(definitions.items())),
    }


def _add_keys_of_files(catalogue: Catalogue) -> None:
    """The keys that only files have, and the version, which they must tell."""
    form = catalogue.forms[SPEC]
    version = {**form["properties"].pop(VERSION), "const": FORMAT_VERSION}
    version.pop("default", None)
    names: Schema = {
        "description": "a spec file that this one changes, or a list of such files; relative to "
        "this file's folder",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    schema = {"description": "where the JSON Schema for editors is", "type": "string"}
    own = {VERSION: version, EXTENDS: names}
    form["properties"] = {**own, **form["properties"], SCHEMA: schema}
    form["required"] = [VERSION, *form["required"]]
