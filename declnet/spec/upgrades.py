"""The versions of the format: the one place where a document of an older one becomes a newer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from declnet.errors import Diagnostic

CURRENT = 1
"""The version that this declnet reads and writes."""

Syntax = Literal["toml", "json"]
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Mapping[int, Upgrade] = {}
"""For a version: what turns its document into one of the next version. Version 1 is the first."""

KEY = "declnet"


def upgraded(
    document: dict[str, Any],
    upgrades: Mapping[int, Upgrade] = UPGRADES,
    current: int = CURRENT,
    syntax: Syntax = "toml",
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """A document in the current version.

    Args:
        document: of any version; one that says none is taken for the first.
        upgrades: as `UPGRADES`.
        current: the version to come to.
        syntax: that hints are written in.

    Returns:
        The document, unchanged if its version cannot be read, and what is wrong with the version.
    """
    version = document.get(KEY, 1)
    if isinstance(version, bool) or not isinstance(version, int):
        message = f'"{KEY}", the version of the format, must be a whole number'
        return document, [Diagnostic(message, f"write {_as_key(current, syntax)}", (KEY,), "E007")]
    if version < 1:
        message = f"there is no version {_shown(version)} of the format"
        return document, [Diagnostic(message, f"write {_as_key(current, syntax)}", (KEY,), "E007")]
    if version > current:
        message = f"this is version {_shown(version)} of the format; this declnet reads {current}"
        return document, [Diagnostic(message, "pip install --upgrade declnet", (KEY,), "E007")]
    while version < current:
        document = {**upgrades[version](document), KEY: version + 1}
        version += 1
    return document, []


def missing_version(document: Mapping[str, Any], syntax: Syntax = "toml") -> list[Diagnostic]:
    """What is to be said if a file tells no version."""
    if KEY in document:
        return []
    hint = f"write {_as_key(CURRENT, syntax)} at the top"
    return [Diagnostic("the version of the format is missing", hint, (KEY,), "E007")]


def _as_key(version: int, syntax: Syntax) -> str:
    return f"{KEY} = {version}" if syntax == "toml" else f'"{KEY}": {version}'


def _shown(version: int) -> str:
    return str(version) if abs(version) < 10**9 else "a very large number"
