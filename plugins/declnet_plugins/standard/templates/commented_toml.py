"""TOML with a comment behind most lines, aligned with its neighbors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tomli_w

from declnet import literal_value

Line = str | tuple[str, str]
"""A line, or a line with a comment to align with its neighbors'."""


WIDEST = 60
"""Longest line that affects the alignment of neighboring comments."""


def joined(blocks: Iterable[Iterable[Line]]) -> str:
    """Return the sections of a spec as text, with comments aligned; empty ones are left out."""
    texts = ("\n".join(_aligned(block)) for block in blocks)
    return "\n".join(f"{text}\n" for text in texts if text)


def _aligned(block: Iterable[Line]) -> Iterator[str]:
    """Return lines with comments aligned within each block."""
    stretch: list[tuple[str, str]] = []
    for line in block:
        if isinstance(line, tuple):
            stretch.append(line)
            continue
        yield from _with_comments(stretch)
        stretch = []
        yield line
    yield from _with_comments(stretch)


def _with_comments(stretch: list[tuple[str, str]]) -> Iterator[str]:
    widths = [len(line) for line, _ in stretch if len(line) <= WIDEST]
    for line, comment in stretch:
        yield f"{line.ljust(max(widths, default=0))}  # {comment}"


def toml_key(name: str) -> str:
    """Return a key as TOML."""
    return tomli_w.dumps({name: 0})[:-5]


def toml(value: Any) -> str:
    """Return a value as TOML that means it in a spec, on one line."""
    if isinstance(value, Mapping):
        items = (f"{toml_key(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {', '.join(items)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return tomli_w.dumps({"v": literal_value(value)}).strip()[4:]
