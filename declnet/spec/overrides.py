"""Overrides: `--set optimizer.learning_rate=0.05` changes any key of a document."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from typing import Any

from declnet.errors import KeyPath, Problem, SpecError, dotted


def parse_override(text: str) -> tuple[str, Any]:
    """Splits `KEY=VALUE`; a value that is no TOML value is taken as a plain string.

    Raises:
        SpecError: there is no `=`, or no key before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        message = f'"{text}" is no override; write it as KEY=VALUE, e.g. training.epochs=10'
        raise SpecError([Problem((), message)], source="--set")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):  # no TOML value
        return key.strip(), value.strip()


def apply_overrides(document: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a document with keys replaced or added.

    Args:
        document: as read from a file.
        overrides: values by dotted key; numbers count list items, e.g. `model.layers.0.units`.

    Raises:
        SpecError: a key leads through a scalar or past the end of a list.
    """
    result: dict[str, Any] = copy.deepcopy(dict(document))
    problems = []
    for key, value in overrides.items():
        path = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        problem = _assign(result, path, value)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise SpecError(problems, source="--set")
    return result


def _assign(document: dict[str, Any], path: KeyPath, value: Any) -> Problem | None:
    place: Any = document
    for depth, part in enumerate(path):
        if isinstance(place, list):
            if not isinstance(part, int) or part >= len(place):
                return Problem(path, f"{dotted(path[:depth])} has no item {part}", _items(place))
        elif not isinstance(place, dict):
            return Problem(path, f"{dotted(path[:depth])} is {place!r}, which has no keys")
        key = str(part) if isinstance(place, dict) else part
        if depth == len(path) - 1:
            place[key] = value
        else:
            place = _step_into(place, key)
    return None


def _step_into(place: Any, part: str | int) -> Any:
    """The item at a key: made if it is missing, and a bare name turned into its table."""
    if isinstance(place, dict):
        place.setdefault(part, {})
    if isinstance(place[part], str):
        place[part] = {"type": place[part]}
    return place[part]


def _items(place: list[Any]) -> str:
    return f"its items are 0 to {len(place) - 1}" if place else "it is empty"
