"""Whole numbers that are larger than anything in a spec can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from declnet.errors import Diagnostic, KeyPath

LARGEST = 2**63 - 1
"""What TOML promises of whole numbers: 64 bits."""


def large_numbers(document: Any) -> list[Diagnostic]:
    """A problem for each whole number of more than 64 bits."""
    message = f"whole numbers are at most {LARGEST}, and at least its negative"
    return [Diagnostic(message, None, path, "E013") for path in _paths(document, ())]


def without_large_numbers(value: Any) -> Any:
    """The document with None in the place of such numbers."""
    if isinstance(value, Mapping):
        return {key: without_large_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_large_numbers(item) for item in value]
    return None if _is_large(value) else value


def _paths(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _paths(item, (*path, position))
    elif _is_large(value):
        yield path


def _is_large(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > LARGEST
