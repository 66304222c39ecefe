"""The keys that vary in `[sweep]` and `[tune]`, with their conditions, and the specs they give."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from declnet.errors import Diagnostic, KeyPath, Place, dotted
from declnet.registry.spelling import suggestion
from declnet.spec.document.compose import EXTENDS, PRESET
from declnet.spec.document.overrides import Override, apply_override
from declnet.spec.document.source_map import Focus, Origin, SourceMap
from declnet.spec.shown_values import shown


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


SWEEP, TUNE, WHEN = "sweep", "tune", "when"
LARGEST_SEED = 2**53

FIXED = ("name", "declnet", EXTENDS, PRESET, "plugins", SWEEP)
"""Keys that are the same in all runs of a sweep or study."""

FIXED_HINTS = {
    "name": "the names of runs say what varies",
    PRESET: "vary the keys that the preset writes, which declnet show prints; or sweep several "
    "specs: declnet sweep A.toml B.toml",
}
"""What to do instead of varying these keys."""


@dataclass(eq=False)
class Reader:
    """A reader of a section that exists only before validation.

    Attributes:
        problems: the errors, with their paths in the document.
    """

    problems: list[Diagnostic] = field(default_factory=list)

    def report(
        self, message: str, hint: str | None, at: KeyPath, code: str, *, by_key: bool = False
    ) -> None:
        """Add an error."""
        focus: Literal["key", "value"] = "key" if by_key else "value"
        self.problems.append(Diagnostic(message, hint, at, code, focus=focus))

    def require_keys(
        self,
        table: Mapping[str, Any],
        at: KeyPath,
        known: Sequence[str],
        required: Sequence[str],
        hint: str,
    ) -> None:
        """Report unknown keys, or else the missing ones, since one of them was probably meant."""
        unknown = [key for key in table if key not in known]
        for key in unknown:
            similar = suggestion(str(key), known, "keys here")
            self.report(f'unknown key "{key}"', similar, (*at, key), "E010", by_key=True)
        for key in required:
            if key not in table and not unknown:
                self.report(f'"{key}" is missing', hint, at, "E011")


@dataclass(eq=False, kw_only=True)
class KeyReader(Reader):
    """A reader of a section whose keys vary.

    Attributes:
        at: the path of the table of the keys in the document.
        when_at: the path of the table of conditions.
        noun: what the section declares.
        code: the code of errors in how keys fit together.
        source: the document.
        section: the table of the keys.
        places: the path of each key.
    """

    at: ClassVar[KeyPath]
    when_at: ClassVar[KeyPath]
    noun: ClassVar[str]
    code: ClassVar[str]

    source: SourceMap
    section: Mapping[str, Any]
    places: dict[str, KeyPath] = field(default_factory=dict)

    def may_vary(self, key: str, at: KeyPath, fixed: Sequence[str]) -> bool:
        """Return whether a key may vary; report it if not."""
        if key in self.places:
            self.report(f'duplicate key "{key}"', "remove one of the two", at, "E003", by_key=True)
        elif (section := key.split(".", maxsplit=1)[0]) in fixed:
            hint = FIXED_HINTS.get(section)
            self.report(f'"{key}" cannot vary in a {self.noun}', hint, at, self.code, by_key=True)
        else:
            self.places[key] = at
            return True
        return False

    def varies(self, key: Any, values: Mapping[str, Any], at: KeyPath, where: str) -> bool:
        """Return whether a key varies that the section names elsewhere, and report it if not."""
        if isinstance(key, str) and key in values:
            return True
        message = f'"{where}" names {shown(key)}, which [{dotted(self.at)}] does not vary'
        by_key = bool(at) and at[-1] == key
        hint = suggestion(str(key), values, "keys that vary")
        self.report(message, hint, at, "E010", by_key=by_key)
        return False

    def conditions(
        self,
        table: Any,
        values: Mapping[str, Sequence[SweptValue]],
        groups: Sequence[tuple[str, ...]],
    ) -> dict[tuple[str, ...], list[tuple[str, tuple[Any, ...]]]]:
        """Return the conditions of each group, as keys with their allowed values.

        Args:
            table: the table of conditions.
            values: the values that each key can be compared with.
            groups: the keys that vary together.
        """
        conditions: dict[tuple[str, ...], list[tuple[str, tuple[Any, ...]]]] = {}
        if not isinstance(table, dict):
            message = f'"{WHEN}" must be a table, not {shown(table)}'
            hint = 'write e.g. when = { "training.accumulate" = { "training.batch_size" = 16 } }'
            self.report(message, hint, self.when_at, "E012")
            return conditions
        for key, needs in table.items():
            at: KeyPath = (*self.when_at, key)
            if not self.varies(key, values, at, WHEN):
                continue
            group = next(keys for keys in groups if key in keys)
            if not isinstance(needs, dict) or not needs:
                message = f'the condition of "{key}" must be a table of other keys\' values'
                self.report(message, 'write e.g. { "training.batch_size" = 16 }', at, "E012")
                continue
            for other, allowed in needs.items():
                if not self.varies(other, values, (*at, other), WHEN):
                    continue
                if other in group:
                    message = f'"{key}" cannot depend on "{other}", which varies with it'
                    self.report(message, None, (*at, other), self.code, by_key=True)
                    continue
                alternatives = tuple(allowed) if isinstance(allowed, list) else (allowed,)
                self._require_values(other, alternatives, values[other], (*at, other))
                conditions.setdefault(group, []).append((other, alternatives))
        return conditions

    def _require_values(
        self, key: str, allowed: Sequence[Any], values: Sequence[SweptValue], at: KeyPath
    ) -> None:
        for condition in allowed:
            if values and not any(means(condition, value.value) for value in values):
                message = f'{shown(condition)} is not among the values of "{key}"'
                hint = f"its values: {', '.join(value.label for value in values[:20])}"
                self.report(message, hint, at, "E014")

    def require_order(self, axes: Sequence[Axis]) -> None:
        """Report conditions that depend on each other."""
        known: set[str] = set()
        for axis in in_order(axes):
            late = [key for key, _ in axis.conditions if key not in known]
            if late:
                message = f'"{axis.keys[0]}" and "{late[0]}" depend on each other'
                hint = "remove one of the conditions"
                self.report(message, hint, self.when_at, self.code, by_key=True)
                return
            known.update(axis.keys)


def entries_of(
    table: Mapping[str, Any], at: KeyPath, is_leaf: Callable[[Any], bool]
) -> Iterator[tuple[str, KeyPath, Any]]:
    """Yield dotted keys with the places of their values; keys may also be nested tables.

    Args:
        table: the keys.
        at: its path in the document.
        is_leaf: returns whether a table is the value of a key.
    """
    for key, value in table.items():
        path = (*at, key)
        if isinstance(value, dict) and value and not is_leaf(value):
            for inner, place, item in entries_of(value, path, is_leaf):
                yield f"{key}.{inner}", place, item
        else:
            yield key, path, value


def labels_of(values: Sequence[Any]) -> list[str]:
    """Return how the names of runs show values: scalars unchanged, tables by their types."""
    types = [value.get("type") if isinstance(value, dict) else None for value in values]
    names = [*types, *(value for value in values if isinstance(value, str))]
    labels = []
    for number, (value, kind) in enumerate(zip(values, types, strict=True)):
        if isinstance(value, str):
            labels.append(str(value))
        elif isinstance(value, dict | list):
            is_clear = isinstance(kind, str) and names.count(kind) == 1
            labels.append(str(kind) if is_clear else f"{kind or ''}#{number}")
        else:
            labels.append(shown(value))
    return labels
