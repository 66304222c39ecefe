"""How deeply tables and lists lie in each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEEPEST = 64
"""The most that is read; a right spec has fewer than ten."""

TOO_DEEP = f"nested too deeply: more than {DEEPEST} tables and lists in each other"


def is_too_deep(document: Any) -> bool:
    """Whether more tables and lists lie in each other than `DEEPEST`; needs no stack for it."""
    layer, depth = [document], 0
    while layer:
        containers = [each for each in layer if isinstance(each, Mapping | list | tuple)]
        if containers and depth == DEEPEST:
            return True
        depth += 1
        layer = [
            item
            for each in containers
            for item in (each.values() if isinstance(each, Mapping) else each)
        ]
    return False
