"""What differs between what a run began with and what it would go on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from declnet.registry.plugin import FIRST_PARTY
from declnet.registry.spelling import kind_in_words
from declnet.runs.origins import Origins

PINNED = ("spec", "data", "components", "engine", "declnet", "numpy", "blas", "machine")
"""Of the manifest: what the bits of the result may depend on."""

_WORDS = {"machine": "the machine's architecture"}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return each difference in words.

    Args:
        before: the manifest in the run's folder.
        now: the manifest that a run would have that begins now.
    """
    same_spec = before.get("spec") == now["spec"]
    found = [] if same_spec else ["spec.toml has been edited"]
    found += _of_data(before.get("data", {}), now["data"])
    found += _of_components(before, now, same_spec)
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


def _of_components(
    before: Mapping[str, Any], now: Mapping[str, Any], same_spec: bool
) -> Iterator[str]:
    """Distributions of other versions, and components that came in or went.

    declnet's own version is a change by itself, and so is a spec that names other components.
    """
    was, is_now = Origins.of(before), Origins.of(now)
    old, new = was.versions(), is_now.versions()
    for name in sorted({*old, *new} - {FIRST_PARTY}):
        if old.get(name) != new.get(name):
            yield f"{name} was {old.get(name, 'not used')} and is {new.get(name, 'not used')}"
    if not (same_spec and was.components):
        return
    for kind, name in sorted({*was.components, *is_now.components}):
        one, other = (each.components.get((kind, name)) for each in (was, is_now))
        if one is None or other is None or not one.is_of(other.distribution):
            words = ("not used" if each is None else f"of {each.origin}" for each in (one, other))
            yield f'{kind_in_words(kind)} "{name}" was {" and is ".join(words)}'


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values())
    return str(value)
