"""Which installed format a file's name means, for exports and imports alike."""

from __future__ import annotations

from typing import Literal

from declnet.registry.registry import Registry


def formats_by_suffix(
    kind: Literal["exporter", "importer"], name: str, registry: Registry
) -> list[str]:
    """Return the types whose suffix a file's name ends with: of the longest one, in order."""
    known = {
        entry.type: max(len(suffix) for suffix in entry.component.suffixes if name.endswith(suffix))
        for entry in registry.entries(kind)
        if name.endswith(entry.component.suffixes)
    }
    return sorted(each for each, length in known.items() if length == max(known.values()))
