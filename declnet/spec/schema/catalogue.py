"""What specs can name: the components of a registry, by kind, as far as a spec leads to them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_jsonable_python

from declnet.components.json_schema import KIND
from declnet.registry.hookspec import PROJECT
from declnet.registry.registry import Entry, Registry
from declnet.spec.run_spec import RunSpec
from declnet.spec.schema.forms import Schema, definition_name, forms_of

SPEC = "spec"
"""The name of a whole spec's definition."""


@dataclass
class Catalogue:
    """Every table that a spec may have.

    Attributes:
        forms: schemas by their definitions' names: of the spec, of its sections, of components.
        kinds: for each kind that a spec leads to: for each type the name of its definition.
        summaries: what a component does, in a line, by its definition's name.
    """

    forms: dict[str, Schema] = field(default_factory=dict)
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)


def catalogue_of(registry: Registry) -> Catalogue:
    """Follows a spec's fields to all components that they can hold."""
    found = Catalogue(forms_of(RunSpec, SPEC))
    conflicts = {(each.kind, each.type): str(each) for each in registry.conflicts()}
    waiting = _kinds_in(found.forms)
    while waiting:
        kind = waiting.pop()
        found.kinds[kind] = {}
        for entry in registry.offers(kind):
            conflict = conflicts.get((kind, entry.type))
            if conflict is None:
                waiting |= _kinds_in(_add(found, entry))
            elif entry.type not in found.kinds[kind]:
                _add_conflict(found, entry, conflict)
        waiting -= found.kinds.keys()
    return found


def _add_conflict(found: Catalogue, entry: Entry, conflict: str) -> None:
    """Add a type whose keys depend on what a spec lists in `plugins`: it takes any."""
    name = _free_name(found, entry)
    found.forms[name] = {"type": "object", "required": ["type"], "description": conflict}
    found.kinds[entry.kind][entry.type] = name
    found.summaries[name] = conflict


def _free_name(found: Catalogue, entry: Entry) -> str:
    name = definition_name(entry.kind, entry.type)
    while name in found.forms:
        name += "_"
    return name


def _add(found: Catalogue, entry: Entry) -> dict[str, Schema]:
    name = _free_name(found, entry)
    summary = _summary(entry)
    forms = _forms(entry, name)
    forms[name]["description"] = summary
    examples = [{"type": entry.type, **table} for table in entry.component.examples]
    if examples:
        forms[name]["examples"] = to_jsonable_python(examples, fallback=str)
    found.forms |= forms
    found.kinds[entry.kind][entry.type] = name
    found.summaries[name] = summary
    return forms


def _forms(entry: Entry, name: str) -> dict[str, Schema]:
    try:
        return forms_of(entry.component, name)
    except Exception:  # whatever one component's fields raise, the others have their schema
        return {name: {"type": "object", "required": ["type"]}}


def _summary(entry: Entry) -> str:
    """The first paragraph of the docstring, and where a stranger's component is from."""
    paragraph = inspect.cleandoc(entry.component.__doc__ or "").partition("\n\n")[0]
    text = " ".join(paragraph.split())
    stranger = entry.plugin.distribution
    return text if stranger in ("", PROJECT) else f"{text} ({stranger})".strip()


def _kinds_in(schema: Any) -> set[str]:
    return {each[KIND] for each in _tables_in(schema) if isinstance(each.get(KIND), str)}


def _tables_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _tables_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _tables_in(each)
