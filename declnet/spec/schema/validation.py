"""What is right: the definitions that a spec is validated by.

A spec that extends another one may have parts of tables, so there are two definitions of whatever
it may change: a whole one, and a partial one that requires nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from declnet.spec.schema.catalogue import Catalogue
from declnet.spec.schema.exact import PARTIAL, exact
from declnet.spec.schema.forms import DEFINITIONS, Schema, definition_name
from declnet.spec.schema.kinds import TYPES, kind_schema, types_schema


def validation_definitions(catalogue: Catalogue, names: Iterable[str]) -> dict[str, Schema]:
    """The definitions of these names, and of all that they lead to."""
    made: dict[str, Schema] = {}
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        made[name] = _definition(name, catalogue)
        waiting |= set(_references(made[name])) - made.keys()
    return made


def _definition(name: str, catalogue: Catalogue) -> Schema:
    prefix = PARTIAL if name.startswith(PARTIAL) else ""
    plain = name.removeprefix(prefix)
    kinds = {definition_name(kind): kind for kind in catalogue.kinds}
    if plain in catalogue.forms:
        return exact(catalogue.forms[plain], prefix)
    if plain in kinds:
        return kind_schema(kinds[plain], catalogue, prefix)
    return types_schema(kinds[plain.removesuffix(TYPES)], catalogue)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(DEFINITIONS)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
