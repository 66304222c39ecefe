"""A resolved spec, annotated with the origin of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from declnet.errors import KeyPath
from declnet.spec.model import RunSpec, resolved_document, resolved_toml
from declnet.spec.overrides import SOURCE as OVERRIDE
from declnet.spec.source_map import Source


def annotated(spec: RunSpec) -> str:
    """Return the resolved spec as TOML, each value followed by its origin in a comment.

    The origin is a file and line, `--set`, or `default`.
    """
    text = resolved_toml(spec)
    resolved = Source("resolved", text, "toml")
    origins: dict[int, dict[str, None]] = {}  # by line, each once
    for path in _values(resolved_document(spec), ()):
        place = resolved.place_of(path, "value")
        if place is not None:
            origins.setdefault(place.line, {})[_origin(spec, path)] = None
    return "\n".join(
        f"{line}  # {', '.join(origins[number])}" if number in origins else line
        for number, line in enumerate(text.split("\n"), start=1)
    )


def _origin(spec: RunSpec, path: KeyPath) -> str:
    place = spec.source_map.exact_place(path)
    if place is None:
        return "default"
    return OVERRIDE if place.file == OVERRIDE else f"{place.file}:{place.line}"


def _values(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Yield the paths of all values except tables; a list of scalars is one value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(item, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for position, item in enumerate(value):
            yield from _values(item, (*path, position))
    else:
        yield path
