"""Hints that name what is installed and would help: transforms for a column, losses for a target.

They are made where something is wrong already; what a plugin raises then makes no hint. All
functions look names up in a registry; default: all installed plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import missing_values
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry

MOST_NAMED = 3


def encoding_hint(registry: Registry | None = None) -> str:
    """Say which transforms make numbers of a column of text."""
    text = np.array(["a", "b", "a"], object)
    return _added(name for name, y in _transformed(text, registry) if y.dtype.kind in "fiub")


def filling_hint(column: Array, registry: Registry | None = None) -> str:
    """Say which transforms fill the gaps of such a column."""
    values = ["a", None, "b"] if column.dtype.kind == "O" else [1.0, np.nan, 2.0]
    gaps = np.array(values, column.dtype if column.dtype.kind == "O" else float)
    return _added(name for name, y in _transformed(gaps, registry) if not missing_values(y).any())


def losses_hint(targets: str, registry: Registry | None = None) -> str | None:
    """Say which losses take such targets: `"classes"`, `"binary"` or `"values"`."""
    sorts = {"classes": "classes", "binary": "two classes", "values": "numbers"}
    names = [
        entry.type
        for entry in (registry or default_registry()).entries("loss")
        if entry.component.targets == targets
        and (targets != "values" or entry.component.takes in (None, "values"))
    ]
    if not names:
        return None
    return f"for {sorts[targets]} take a loss such as {_listed(names)}"


def _transformed(column: Array, registry: Registry | None) -> Iterator[tuple[str, Array]]:
    """What the installed transforms make of a column that they suit, with their defaults."""
    for entry in (registry or default_registry()).entries("transform"):
        try:
            transform = entry.component()
            if transform.training_only or not transform.suits(column):
                continue
            y = transform.apply(column, transform.fit(column))
        except Exception:  # noqa: S112  # whatever it is, there is nothing to suggest
            continue
        if isinstance(y, np.ndarray) and len(y) == len(column):
            yield entry.type, y


def _added(names: Iterable[str]) -> str:
    found = list(names)
    if not found:
        return "leave the column out of the features"
    return f"add {_listed(found)} to data.prepare"


def _listed(names: list[str]) -> str:
    return " or ".join(f'"{each}"' for each in names[:MOST_NAMED])
