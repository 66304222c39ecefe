"""What differs between what a run began with and what it would go on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PINNED = ("spec", "data", "plugins", "engine", "declnet", "numpy", "blas", "machine")
"""Of the manifest: what the bits of the result may depend on."""

_WORDS = {"machine": "the machine's architecture"}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each difference in words.

    Args:
        before: the manifest in the run's folder.
        now: the manifest that a run would have that begins now.
    """
    found = ["spec.toml has been edited"] if before.get("spec") != now["spec"] else []
    found += _of_data(before.get("data", {}), now["data"])
    found += _of_plugins(before.get("plugins", []), now["plugins"])
    numpy_alone = {"kernels": "numpy"}  # what a run was that began before there were kernels
    engines = (_in_words(each.get("engine", numpy_alone)) for each in (before, now))
    old, new = engines
    if old != new:
        found.append(f"the kernels were {old} and are {new}")
    for name in ("declnet", "numpy", "blas", "machine"):
        old, new = (_in_words(each.get(name)) for each in (before, now))
        if old != new:
            found.append(f"{_WORDS.get(name, name)} was {old} and is {new}")
    return found


def _of_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in (*before, *(name for name in now if name not in before)):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield f"there {'was no' if old is None else 'is no'} {name} data"
        elif old != new:
            counts = f" ({old['samples']} samples, now {new['samples']})"
            differs = old["samples"] != new["samples"]
            yield f"the {name} data is other data{counts if differs else ''}"


def _of_plugins(before: list[dict[str, str]], now: list[dict[str, str]]) -> Iterator[str]:
    old, new = ({each["plugin"]: each for each in plugins} for plugins in (before, now))
    for name in sorted({*old, *new}):
        was, is_now = (_distribution(each.get(name)) for each in (old, new))
        if was != is_now:
            yield f"plugin {name} was {was} and is {is_now}"


def _distribution(plugin: Mapping[str, str] | None) -> str:
    return f"{plugin['distribution']} {plugin['version']}" if plugin is not None else "not used"


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values())
    return str(value)
