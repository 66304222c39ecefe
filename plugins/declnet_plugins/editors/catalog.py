"""JSON Schemas of the spec, its sections, and the components of a registry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python

from declnet import Loss, Registry, RunSpec, file_tables

Schema = dict[str, Any]

KIND = "x-declnet-kind"
"""The keyword by which pydantic's schema of a spec says what kind of component a value is."""

NAMED_LOSS = "named_loss"
"""What the schema of a spec calls the kind of a table `[losses.NAME]`."""

DEFINITIONS = "#/definitions/"
SPEC = "spec"
"""The name of the definition of a whole spec."""

BLOCK = f"{SPEC}.Block"
"""The name of the definition of a block of layers."""

STUDY = f"{SPEC}.TuneSpec"
"""The name of the definition of the section `[tune]`, which only files have."""


@dataclass
class Catalog:
    """Every table that a spec may contain.

    Attributes:
        tables: schemas of the spec, its sections and components, by definition name.
        kinds: for each kind used by a spec, the definition names of its types.
        summaries: a one-line summary of each component, by definition name.
    """

    tables: dict[str, Schema] = field(default_factory=dict)
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)


def catalog_of(registry: Registry) -> Catalog:
    """Collect all components reachable from a spec's fields."""
    catalog = Catalog(tables_of(RunSpec, SPEC) | tables_of(file_tables()["tune"], STUDY))
    waiting = _kinds_in(catalog.tables)
    conflicts = {(conflict.kind, conflict.type): str(conflict) for conflict in registry.conflicts()}
    while waiting:
        kind = waiting.pop()
        catalog.kinds[kind] = {}
        for entry in registry.offers(kind):
            conflict = conflicts.get((kind, entry.type))
            if conflict is None:
                waiting |= _kinds_in(_add(catalog, entry))
            elif entry.type not in catalog.kinds[kind]:
                _add_conflict(catalog, entry, conflict)
        waiting -= catalog.kinds.keys()
    _add_named_losses(catalog)
    return catalog


def _add_named_losses(catalog: Catalog) -> None:
    """Add each loss as a table `[losses.NAME]`, with the reserved keys."""
    head = next(name for name, table in catalog.tables.items() if table.get(KIND) == NAMED_LOSS)
    reserved = catalog.tables.pop(head)["properties"]
    losses = catalog.tables[SPEC]["properties"]["losses"]
    losses["additionalProperties"] = {
        "type": ["string", "object"],
        "required": ["type"],
        KIND: NAMED_LOSS,
    }
    for loss, definition in catalog.kinds[Loss.kind].items():
        name = f"{NAMED_LOSS}.{definition}"
        table = catalog.tables[definition]
        if "properties" in table:
            table = {**table, "properties": {**table["properties"], **reserved}}
        catalog.tables[name] = table
        catalog.kinds[NAMED_LOSS][loss] = name
        catalog.summaries[name] = catalog.summaries[definition]


def reference(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": DEFINITIONS + name}


def definition_name(*parts: str) -> str:
    """Return a definition name from parts, e.g. a kind and a type.

    Only ASCII letters, digits, `.`, `_` and `-` are kept, since tools disagree on how to quote
    other characters in a reference.
    """
    return ".".join(re.sub(r"[^A-Za-z0-9_.-]", "_", part) for part in parts)


def _add_conflict(catalog: Catalog, entry: Any, conflict: str) -> None:
    """Add a type whose keys depend on the spec's `plugins`; it accepts any keys."""
    name = _free_name(catalog, entry)
    catalog.tables[name] = {"type": "object", "required": ["type"], "description": conflict}
    catalog.kinds[entry.kind][entry.type] = name
    catalog.summaries[name] = conflict


def _free_name(catalog: Catalog, entry: Any) -> str:
    name = definition_name(entry.kind, entry.type)
    while name in catalog.tables:
        name += "_"
    return name


def _add(catalog: Catalog, entry: Any) -> dict[str, Schema]:
    name = _free_name(catalog, entry)
    tables = component_tables(entry, name)
    summary = _summary(entry)
    tables[name]["description"] = summary
    examples = [{"type": entry.type, **table} for table in entry.component.examples]
    if examples:
        tables[name]["examples"] = to_jsonable_python(examples, fallback=str)
    catalog.tables |= tables
    catalog.kinds[entry.kind][entry.type] = name
    catalog.summaries[name] = summary
    return tables


def _summary(entry: Any) -> str:
    """Return the first paragraph of the docstring, plus the distribution of a third party."""
    paragraph = inspect.cleandoc(entry.component.__doc__ or "").partition("\n\n")[0]
    text = " ".join(paragraph.split())
    distribution = entry.plugin.distribution
    return text if distribution in ("", "declnet") else f"{text} ({distribution})".strip()


def objects_in(value: Any) -> Iterator[Schema]:
    """Yield every object in a schema, outermost first."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from objects_in(item)


def _kinds_in(value: Any) -> set[str]:
    return {object_[KIND] for object_ in objects_in(value) if isinstance(object_.get(KIND), str)}


def tables_of(model: type[BaseModel], name: str) -> dict[str, Schema]:
    """Return the schema of a model and of the models within it, as `name` and `name.<class>`."""
    template = f"{DEFINITIONS}{name}.{{model}}"
    schema = model.model_json_schema(ref_template=template, schema_generator=_Untitled)
    within = {f"{name}.{key}": table for key, table in schema.pop("$defs", {}).items()}
    if "$ref" in schema:  # a model that contains itself
        within[name] = within[schema["$ref"].removeprefix(DEFINITIONS)]
    else:
        within[name] = schema
    return {key: _simple(table) for key, table in within.items()}


def component_tables(entry: Any, name: str) -> dict[str, Schema]:
    """Return `tables_of` a component; of one that fails, a table of any keys."""
    try:
        return tables_of(entry.component, name)
    except Exception:  # a failing component must not affect the schemas of others
        return {name: {"type": "object", "required": ["type"]}}


class _Untitled(GenerateJsonSchema):
    """pydantic's generator, in which a field without a schema may be anything.

    Keys of earlier versions are accepted, and marked as deprecated.
    """

    def model_schema(self, schema: Any) -> Schema:
        """Add the keys of earlier versions to the schema of a model."""
        table, model = super().model_schema(schema), schema["cls"]
        names = ("renamed_fields", "removed_fields")
        earlier = (
            key for base in model.__mro__ for name in names for key in vars(base).get(name, ())
        )
        for key in earlier:
            about = model.about_earlier(key)
            present = table["properties"].get(about.get("meant"), {})
            described = {"description": about["message"], "deprecated": True}
            table["properties"][key] = {**present, **described}
            table["properties"][key].pop("default", None)
            if about.get("meant") in table.get("required", ()):
                table["required"].remove(about["meant"])
        return table

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        return {}

    def render_warning_message(self, kind: Any, detail: str) -> None:
        return None


def _simple(value: Any) -> Any:
    """Return a schema in draft 7, without null and without titles, which repeat keys."""
    if isinstance(value, list):
        return [_simple(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = _without_null(value)
    if "prefixItems" in schema:
        schema["items"] = schema.pop("prefixItems")
    simple = {}
    for key, item in schema.items():
        if key in ("properties", "patternProperties"):
            simple[key] = {name: _simple(inner) for name, inner in item.items()}
        elif key == "default":
            simple[key] = _default(item)
        elif key in ("examples", "enum", "const"):
            simple[key] = item
        elif key not in ("title", "discriminator"):
            simple[key] = _simple(item)
    return simple


def _without_null(schema: Schema) -> Schema:
    schema = dict(schema)
    if schema.get("default", 0) is None:
        del schema["default"]
    branches = schema.get("anyOf", [])
    others = [branch for branch in branches if branch != {"type": "null"}]
    if len(others) < len(branches):
        del schema["anyOf"]
        schema = {**others[0], **schema} if len(others) == 1 else {"anyOf": others, **schema}
    return schema


def _default(value: Any) -> Any:
    """Return a default as written in a spec: a component without other keys is its name."""
    if isinstance(value, dict) and list(value) == ["type"]:
        return value["type"]
    if isinstance(value, dict):
        return {key: _default(item) for key, item in value.items() if item is not None}
    return value
