"""Points: a spec with other values at some keys, of a sweep or of a study.

The place of such a value in messages is where the section has it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from declnet.errors import Diagnostic, KeyPath, Place
from declnet.spec.document.overrides import Override, apply_override
from declnet.spec.document.source_map import Focus, Origin, SourceMap


@dataclass(frozen=True, eq=False)
class SweptValue(Override):
    """A value of a swept key, which overrides the spec's.

    Attributes:
        source: where the section is written; None for `--set`.
        at: the path of the value in the section, or of the range that it is one of.
        key_at: the path of the key in the section.
        label: what names of runs call the value.
    """

    source: SourceMap | None = None
    at: KeyPath = ()
    key_at: KeyPath = ()
    label: str = ""

    @property
    def name(self) -> str:
        """The name of the file that the section is in, or `--set`."""
        writer = self.source.writer_of(self.key_at) if self.source is not None else None
        return writer.name if writer is not None else super().name

    @property
    def key_place(self) -> Place:
        """The place of the key in the section."""
        place = self.source.place_of(self.key_at, "key") if self.source is not None else None
        return place or super().key_place

    def place_of(self, path: KeyPath, focus: Focus) -> Place | None:
        """Return where a path of the spec is written in the section."""
        if self.source is None:
            return super().place_of(path, focus)
        key, depth = self.path, len(self.path)
        if any(str(one) != str(other) for one, other in zip(path, key, strict=False)):
            return None
        if len(path) < depth or (len(path) == depth and focus == "key"):
            return self.source.place_of(self.key_at, "key")
        inner = self.source.exact_place((*self.at, *path[depth:]), focus)
        return inner if inner is not None or len(path) > depth else self.key_place


def swept_value(change: Override) -> SweptValue:
    """Return an override as one of the values of a key that varies."""
    label = change.text.partition("=")[2].strip()
    return SweptValue(change.key, change.value, change.text, change.number, label=label)


@dataclass(frozen=True, eq=False)
class Axis:
    """Keys that vary together.

    Attributes:
        keys: one key, or several that are zipped.
        steps: a value per key, in each step.
        conditions: for which values of other keys it varies; it is left out for any others.
    """

    keys: tuple[str, ...]
    steps: tuple[tuple[SweptValue, ...], ...]
    conditions: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def applies(self, chosen: Mapping[str, SweptValue]) -> bool:
        """Return whether it varies, given these values of earlier axes."""
        return all(
            key in chosen and is_allowed(chosen[key], allowed) for key, allowed in self.conditions
        )


@dataclass(frozen=True, eq=False)
class Point:
    """Runs of one spec that differ in their seeds only.

    Attributes:
        label: what the name of the spec has in addition, e.g. `-learning_rate=0.1`; unique.
        values: the values of the swept keys other than the seed.
        seeds: the seeds that the sweep gives it; None for the spec's own.
        source_map: the spec with these values, not yet validated.
        problems: values that cannot be set, since a key leads nowhere.
        base: the spec without these values; None if there are none.
    """

    label: str
    values: dict[str, Any]
    seeds: tuple[int, ...] | None
    source_map: SourceMap
    problems: tuple[Diagnostic, ...] = ()
    base: SourceMap | None = None


def point_of(
    base: SourceMap,
    values: Sequence[Override],
    label: str = "",
    seeds: tuple[int, ...] | None = None,
) -> Point:
    """Return a spec with other values at some keys."""
    source_map = replace(base, document=copy.deepcopy(base.document), origin=_copied(base.origin))
    problems = []
    for change in sorted(values, key=lambda value: len(value.path)):
        # a copy, since a longer key may change the value
        problem = apply_override(source_map, replace(change, value=copy.deepcopy(change.value)))
        if problem is not None:
            problems.append(problem)
    changes = {value.key: value.value for value in values}
    return Point(label, changes, seeds, source_map, tuple(problems), base)


def _copied(origin: Origin) -> Origin:
    """Return a copy of origins that share their writers."""
    return replace(origin, below={key: _copied(part) for key, part in origin.below.items()})


def means(condition: Any, value: Any) -> bool:
    """Return whether a condition names a value: the same, or the type of a table."""
    if isinstance(value, Mapping) and isinstance(condition, str):
        return bool(value.get("type") == condition)
    return type(condition) is type(value) and bool(condition == value)


def is_allowed(value: SweptValue, conditions: Sequence[Any]) -> bool:
    """Return whether any of several conditions names a value."""
    return any(means(condition, value.value) for condition in conditions)


def in_order(axes: Sequence[Axis]) -> list[Axis]:
    """Return axes after those that they depend on, otherwise in their order."""
    ordered: list[Axis] = []
    waiting = list(axes)
    while waiting:
        known = {key for axis in ordered for key in axis.keys}
        ready = [axis for axis in waiting if all(key in known for key, _ in axis.conditions)]
        first = (ready or waiting)[0]
        ordered.append(first)
        waiting.remove(first)
    return ordered
