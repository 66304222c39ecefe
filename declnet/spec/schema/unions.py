"""Unions whose branches are told apart by the value's type, so that faults are those of one."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from declnet.spec.schema.forms import Schema


def union(branches: list[Schema]) -> Schema:
    """A schema that takes what any of the branches takes.

    A validator says of `anyOf` only that nothing fits. Where each type of JSON (numbers, strings,
    …) belongs to one branch, conditions choose that branch, and its own fault is told.
    """
    types = [_types(branch) for branch in branches]
    known = [each for each in types if each is not None]
    if len(known) < len(types) or any(_overlap(*pair) for pair in combinations(known, 2)):
        return {"anyOf": branches}
    schema: Schema = {}
    for branch, names in reversed(list(zip(branches, known, strict=True))):
        rest = {"else": schema} if schema else {}
        schema = {"if": {"type": _type(names)}, "then": branch, **rest}
    return {"type": _type([name for names in known for name in names]), **schema}


def _type(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


def _overlap(one: list[str], other: list[str]) -> bool:
    both = {"number" if name == "integer" else name for name in one}
    return any(("number" if name == "integer" else name) in both for name in other)


def _types(branch: Schema) -> list[str] | None:
    """The types of JSON that a schema takes; None if it does not say."""
    if "type" in branch:
        given = branch["type"]
        return list(given) if isinstance(given, list) else [given]
    values = branch.get("enum", [branch["const"]] if "const" in branch else [])
    names = {_type_of(value) for value in values}
    return sorted(names) if names and "" not in names else None


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else ""
