"""Plain values, as TOML and JSON have them: tables, lists and scalars, at any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from declnet.errors import KeyPath


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with other scalars, whose tables and lists are new; tuples become lists."""
    if isinstance(value, Mapping):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(item, change) for item in value]
    return change(value)


def copied(value: Any) -> Any:
    """Return a value whose tables and lists are new; tuples become lists."""
    return mapped(value, lambda scalar: scalar)


def scalars(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the scalars in a value at a path, each with its own path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from scalars(item, (*path, key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from scalars(item, (*path, position))
    else:
        yield path, value
