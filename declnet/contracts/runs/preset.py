"""Preset: a document that specs extend by its name, such as a network for tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declnet.contracts.annotations import Misfit
from declnet.contracts.component import Component

KEYS_OF_FILES = ("extends", "preset", "variables")
"""Keys that a preset's document cannot have."""


class Preset(Component):
    """A document that specs extend by name: `extends = "preset:NAME"`.

    Its fields are the keys of the spec's section `[preset]`. Keys in the spec itself take
    precedence, one by one, as over a file that it extends. A run stores the merged spec, so a later
    version of a preset does not change it.
    """

    kind = "preset"
    conformance_checks = "declnet.testing.checks.presets"
    required_methods = ("document",)

    def document(self) -> dict[str, Any]:
        """Return a spec, or the part of one that the fields determine.

        It has tables, lists, strings, numbers and booleans only, and is the same whenever the
        fields are. A string such as `"${name}"` is that text, not a variable.
        """
        raise NotImplementedError

    def verify_document(self, document: Mapping[str, Any]) -> None:
        """Raise Misfit unless a document could be a file that extends no other."""
        for key in KEYS_OF_FILES:
            if key in document:
                raise Misfit("a document", f' with "{key}", which only files have')
        _require_plain(document, "")


def _require_plain(value: Any, at: str) -> None:
    """Raise Misfit for a value that TOML or JSON does not have."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Misfit("a document", f" with the key {key!r}, which is not a string")
            _require_plain(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _require_plain(item, f"{at}.{number}")
    elif not isinstance(value, str | int | float):
        fault = f" whose {at} is a {type(value).__name__}, not a table, list, string or number"
        raise Misfit("a document", fault)
