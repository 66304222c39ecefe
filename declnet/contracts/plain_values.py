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


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the scalars and the empty tables and lists in a value, each with its path."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple | set | frozenset) and value:
        for position, item in enumerate(value):
            yield from leaves(item, (*path, position))
    else:
        yield path, value
