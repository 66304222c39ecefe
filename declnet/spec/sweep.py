"""Sweeps: the section `[sweep]` says which keys of a spec vary, and over which values.

The section exists only before validation. Each of its points is the spec with other values at
those keys, whose place in messages is where the section has them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from declnet.errors import Diagnostic, KeyPath, Place, SpecError, dotted
from declnet.registry.spelling import suggestion
from declnet.spec.document.overrides import Override, apply_override
from declnet.spec.document.source_map import Focus, Origin, SourceMap
from declnet.spec.messages import shown
from declnet.spec.sweep_ranges import FORMS, is_range, range_values

SWEEP = "sweep"
ZIP, WHEN = "zip", "when"
SEED = "seed"
LARGEST_SEED = 2**53
MOST_RUNS = 10_000
"""Most runs of a sweep; more are taken for a mistake."""

FIXED = ("name", "declnet", "extends", "plugins", SWEEP)
"""Keys that are the same in all runs of a sweep or study."""


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
        own = self.path
        if any(str(one) != str(other) for one, other in zip(path, own, strict=False)):
            return None
        if len(path) < len(own) or (len(path) == len(own) and focus == "key"):
            return self.source.place_of(self.key_at, "key")
        inner = self.source.exact_place((*self.at, *path[len(own) :]), focus)
        return inner if inner is not None or len(path) > len(own) else self.key_place


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
            key in chosen and any(means(each, chosen[key].value) for each in allowed)
            for key, allowed in self.conditions
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
    """

    label: str
    values: dict[str, Any]
    seeds: tuple[int, ...] | None
    source_map: SourceMap
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, eq=False)
class Sweep:
    """What varies in a spec.

    Attributes:
        base: the spec without the section.
        axes: what varies; the first varies slowest, unless it depends on a later one.
        section: the section as written.
    """

    base: SourceMap
    axes: tuple[Axis, ...] = ()
    section: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that vary, in order."""
        return tuple(key for axis in self.axes for key in axis.keys)

    def varying(self, values: Sequence[SweptValue]) -> Sweep:
        """Return the sweep with a key varying over these values, in place of its own.

        Raises:
            SpecError: the section varies the key together with others.
        """
        key = values[0].key
        steps = tuple((each,) for each in values)
        for at, axis in enumerate(self.axes):
            if axis.keys == (key,):
                changed = replace(axis, steps=steps)
                return replace(self, axes=(*self.axes[:at], changed, *self.axes[at + 1 :]))
            if key in axis.keys:
                message = f'"{key}" varies together with other keys in [{SWEEP}]'
                hint = f"change its list in the file, or empty the section by --set {SWEEP}={{}}"
                place = values[0].key_place
                raise SpecError([Diagnostic(message, hint, (), "E053", place=place)])
        return replace(self, axes=(*self.axes, Axis((key,), steps)))

    def count(self) -> int:
        """Return the number of its runs, without folds."""
        return len(self._chosen())

    def points(self) -> list[Point]:
        """Return its points in order, each with the seeds that its runs have.

        Raises:
            SpecError: there are more than `MOST_RUNS` runs.
        """
        groups: dict[tuple[tuple[str, str], ...], list[dict[str, SweptValue]]] = {}
        for chosen in self._chosen():
            others = tuple((key, repr(each.value)) for key, each in chosen.items() if key != SEED)
            groups.setdefault(others, []).append(chosen)
        labels = _distinct(self._label(each[0]) for each in groups.values())
        return [self._point(*each) for each in zip(labels, groups.values(), strict=True)]

    def _chosen(self) -> list[dict[str, SweptValue]]:
        """Return the values of each run by key."""
        found: list[dict[str, SweptValue]] = [{}]
        for axis in in_order(self.axes):
            found = [
                {**chosen, **{each.key: each for each in step}}
                for chosen in found
                for step in (axis.steps if axis.applies(chosen) else ((),))
            ]
            if len(found) > MOST_RUNS:
                message = f"the sweep has more than {MOST_RUNS:,} runs"
                raise SpecError(
                    self.base.locate([Diagnostic(message, None, (SWEEP,), "E053", focus="key")])
                )
        return found

    def _label(self, chosen: Mapping[str, SweptValue]) -> str:
        named = [
            key
            for axis in self.axes
            if len(axis.steps) > 1 or axis.conditions
            for key in axis.keys
            if key != SEED
        ]
        last = [key.rpartition(".")[2] for key in self.keys]
        short = {
            key: end if last.count(end) == 1 else key
            for key, end in zip(self.keys, last, strict=True)
        }
        return "".join(f"-{short[key]}={chosen[key].label}" for key in named if key in chosen)

    def _point(self, label: str, runs: Sequence[Mapping[str, SweptValue]]) -> Point:
        values = [each for key, each in runs[0].items() if key != SEED]
        seeds = tuple(run[SEED].value for run in runs if SEED in run)
        return point_of(self.base, values, label, seeds or None)


def point_of(
    base: SourceMap,
    values: Sequence[SweptValue],
    label: str = "",
    seeds: tuple[int, ...] | None = None,
) -> Point:
    """Return a spec with other values at some keys."""
    made = SourceMap(copy.deepcopy(base.document), _copied(base.origin))
    problems = []
    for each in sorted(values, key=lambda value: len(value.path)):
        own = replace(each, value=copy.deepcopy(each.value))  # which a longer key may change
        problem = apply_override(made, own)
        if problem is not None:
            problems.append(problem)
    return Point(label, {each.key: each.value for each in values}, seeds, made, tuple(problems))


def _copied(origin: Origin) -> Origin:
    """Return a copy of origins that share their writers."""
    return replace(origin, below={key: _copied(each) for key, each in origin.below.items()})


def means(condition: Any, value: Any) -> bool:
    """Return whether a condition names a value: the same, or the type of a table."""
    if isinstance(value, Mapping) and isinstance(condition, str):
        return bool(value.get("type") == condition)
    return type(condition) is type(value) and bool(condition == value)


def in_order(axes: Sequence[Axis]) -> list[Axis]:
    """Return axes after those that they depend on, otherwise in their order."""
    ordered: list[Axis] = []
    waiting = list(axes)
    while waiting:
        known = {key for axis in ordered for key in axis.keys}
        ready = [each for each in waiting if all(key in known for key, _ in each.conditions)]
        first = (ready or waiting)[0]
        ordered.append(first)
        waiting.remove(first)
    return ordered


def _distinct(labels: Iterator[str]) -> list[str]:
    """Return labels of which no two are equal as names of folders."""
    found: dict[str, str] = {}
    for label in labels:
        made, number = label, 1
        while made.casefold() in found:
            number += 1
            made = f"{label}-{number}"
        found[made.casefold()] = made
    return list(found.values())


def sweep_of(source_map: SourceMap) -> tuple[Sweep, list[Diagnostic]]:
    """Return what varies in a document, and the errors in its section `[sweep]`.

    Args:
        source_map: the document, with or without the section.
    """
    rest = {key: value for key, value in source_map.document.items() if key != SWEEP}
    base = SourceMap(rest, source_map.origin)
    section = source_map.document.get(SWEEP, {})
    if not isinstance(section, dict):
        message = f'"{SWEEP}" must be a table, not {shown(section)}'
        return Sweep(base), [Diagnostic(message, None, (SWEEP,), "E012")]
    reader = _SweepReader(source_map, section, (SWEEP,), (SWEEP, WHEN))
    return Sweep(base, reader.axes(), section), reader.found


@dataclass(eq=False)
class KeyReader:
    """A section with keys that vary, while it is read.

    Attributes:
        section: the table of the keys.
        at: its path in the document.
        when_at: the path of the table of conditions.
        noun: what the section declares.
        code: the code of errors in how keys fit together.
        places: the path of each key.
        found: the errors, with their paths in the document.
    """

    source: SourceMap
    section: Mapping[str, Any]
    at: KeyPath
    when_at: KeyPath
    noun: str = "sweep"
    code: str = "E053"
    found: list[Diagnostic] = field(default_factory=list)
    places: dict[str, KeyPath] = field(default_factory=dict)

    def report(
        self, message: str, hint: str | None, at: KeyPath, code: str, *, by_key: bool = False
    ) -> None:
        """Note an error."""
        focus: Any = "key" if by_key else "value"
        self.found.append(Diagnostic(message, hint, at, code, focus=focus))

    def may_vary(self, key: str, at: KeyPath, fixed: Sequence[str]) -> bool:
        """Return whether a key may vary, and note its place."""
        if key in self.places:
            self.report(f'duplicate key "{key}"', "remove one of the two", at, "E003", by_key=True)
        elif key.split(".", maxsplit=1)[0] in fixed:
            hint = "the names of runs say what varies" if key == "name" else None
            self.report(f'"{key}" cannot vary in a {self.noun}', hint, at, self.code, by_key=True)
        else:
            self.places[key] = at
            return True
        return False

    def varies(self, key: Any, values: Mapping[str, Any], at: KeyPath, where: str) -> bool:
        """Return whether a key that is named somewhere varies."""
        if isinstance(key, str) and key in values:
            return True
        message = f'"{where}" names {shown(key)}, which [{dotted(self.at)}] does not vary'
        by_key = bool(at) and at[-1] == key
        hint = suggestion(str(key), values, "keys that vary")
        self.report(message, hint, at, "E010", by_key=by_key)
        return False

    def conditions(
        self,
        given: Any,
        values: Mapping[str, Sequence[SweptValue]],
        groups: Sequence[tuple[str, ...]],
    ) -> dict[tuple[str, ...], list[tuple[str, tuple[Any, ...]]]]:
        """Return the conditions of each group, as keys with their allowed values.

        Args:
            given: the table of conditions.
            values: the values that each key can be compared with.
            groups: the keys that vary together.
        """
        found: dict[tuple[str, ...], list[tuple[str, tuple[Any, ...]]]] = {}
        if not isinstance(given, dict):
            message = f'"{WHEN}" must be a table, not {shown(given)}'
            hint = 'write e.g. when = { "training.accumulate" = { "training.batch_size" = 16 } }'
            self.report(message, hint, self.when_at, "E012")
            return found
        for key, needs in given.items():
            at: KeyPath = (*self.when_at, key)
            if not self.varies(key, values, at, WHEN):
                continue
            own = next(each for each in groups if key in each)
            if not isinstance(needs, dict) or not needs:
                message = f'the condition of "{key}" must be a table of other keys\' values'
                self.report(message, 'write e.g. { "training.batch_size" = 16 }', at, "E012")
                continue
            for other, allowed in needs.items():
                if not self.varies(other, values, (*at, other), WHEN):
                    continue
                if other in own:
                    message = f'"{key}" cannot depend on "{other}", which varies with it'
                    self.report(message, None, (*at, other), self.code, by_key=True)
                    continue
                alternatives = tuple(allowed) if isinstance(allowed, list) else (allowed,)
                self._require_values(other, alternatives, values[other], (*at, other))
                found.setdefault(own, []).append((other, alternatives))
        return found

    def _require_values(
        self, key: str, allowed: Sequence[Any], values: Sequence[SweptValue], at: KeyPath
    ) -> None:
        for each in allowed:
            if values and not any(means(each, value.value) for value in values):
                message = f'{shown(each)} is not among the values of "{key}"'
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


class _SweepReader(KeyReader):
    """The section of a sweep, while it is read."""

    def axes(self) -> tuple[Axis, ...]:
        values: dict[str, list[SweptValue]] = {}
        given = {key: each for key, each in self.section.items() if key not in (ZIP, WHEN)}
        for key, at, value in entries_of(given, self.at, is_range):
            if self.may_vary(key, at, FIXED):
                values[key] = self._values(key, at, value)
        groups = self._groups(values)
        conditions = self.conditions(self.section.get(WHEN, {}), values, groups)
        made = []
        for keys in groups:
            steps = tuple(zip(*(values[key] for key in keys), strict=False))
            self._require_distinct(keys, steps)
            made.append(Axis(keys, steps, tuple(conditions.get(keys, ()))))
        self.require_order(made)
        return tuple(made)

    def _values(self, key: str, at: KeyPath, value: Any) -> list[SweptValue]:
        """Return the values of a key, none if they are invalid."""
        if is_range(value):
            listed, problems = range_values(value, at)
            self.found += problems
            places = [at] * len(listed)
        elif isinstance(value, list):
            listed, places = value, [(*at, number) for number in range(len(value))]
            if not value:
                self.report(f'"{key}" has no values', "list at least one", at, "E018")
        else:
            hint = f"write a list, e.g. [{shown(value)}], or a range, e.g. {{ from = 0, to = 3 }}"
            if isinstance(value, dict):
                hint = f"a range is one of {FORMS}"
            message = f'"{key}" must be a list of values or a range, not {shown(value)}'
            self.report(message, hint, at, "E012")
            return []
        made = [
            SweptValue(key, each, f"{key}={shown(each)}", 1, self.source, place, at, label)
            for each, place, label in zip(listed, places, labels_of(listed), strict=True)
        ]
        return [each for each in made if key != SEED or self._is_seed(each)]

    def _is_seed(self, value: SweptValue) -> bool:
        seed = value.value
        if type(seed) is not int:
            message = f'a "{SEED}" must be a whole number, not {shown(seed)}'
            self.report(message, None, value.at, "E012")
        elif not 0 <= seed <= LARGEST_SEED:
            message = f'a "{SEED}" must be from 0 to 2^53, not {shown(seed)}'
            self.report(message, None, value.at, "E013")
        else:
            return True
        return False

    def _groups(self, values: Mapping[str, list[SweptValue]]) -> list[tuple[str, ...]]:
        """Return the keys in order, those that are zipped together."""
        groups: dict[str, tuple[str, ...]] = {key: (key,) for key in values}
        given = self.section.get(ZIP, [])
        if not isinstance(given, list) or not all(isinstance(each, list) for each in given):
            message = f'"{ZIP}" must be a list of lists of keys, not {shown(given)}'
            hint = 'write e.g. zip = [["optimizer.learning_rate", "training.batch_size"]]'
            self.report(message, hint, (SWEEP, ZIP), "E012")
            return list(groups.values())
        zipped: set[str] = set()
        for number, keys in enumerate(given):
            known = [
                key
                for at, key in enumerate(keys)
                if self.varies(key, values, (SWEEP, ZIP, number, at), ZIP)
            ]
            if len(known) < len(keys):
                continue
            for at, key in enumerate(keys):
                if key in zipped:
                    message = f'"{key}" is zipped twice'
                    self.report(message, None, (SWEEP, ZIP, number, at), "E019")
                zipped.add(key)
            if len(keys) < 2:
                message = f"a zip needs at least two keys, not {shown(keys)}"
                self.report(message, None, (SWEEP, ZIP, number), "E018")
                continue
            self._require_lengths(keys, values)
            for key in keys:
                groups[key] = tuple(keys)
        return list(dict.fromkeys(groups.values()))

    def _require_lengths(self, keys: Sequence[str], values: Mapping[str, list[Any]]) -> None:
        first, *others = keys
        for key in others:
            if values[key] and values[first] and len(values[key]) != len(values[first]):
                message = (
                    f'"{key}" has {len(values[key])} values, but "{first}", with which it is '
                    f"zipped, has {len(values[first])}"
                )
                self.report(message, "give both as many", self.places[key], "E053")

    def _require_distinct(self, keys: Sequence[str], steps: Sequence[Sequence[SweptValue]]) -> None:
        seen: set[str] = set()
        for step in steps:
            text = repr([each.value for each in step])
            if text in seen:
                message = f'"{keys[0]}" has the value {shown(step[0].value)} twice'
                self.report(message, "remove one of the two", step[0].at, "E019")
            seen.add(text)


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
            for inner, place, each in entries_of(value, path, is_leaf):
                yield f"{key}.{inner}", place, each
        else:
            yield key, path, value


def labels_of(values: Sequence[Any]) -> list[str]:
    """Return what names of runs call values: scalars as they are, tables by their types."""
    types = [each.get("type") if isinstance(each, dict) else None for each in values]
    names = [*types, *(each for each in values if isinstance(each, str))]
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


def require_no_sweep(sweep: Sweep | None) -> None:
    """Raise SpecError if a spec to run once declares a sweep."""
    if sweep is not None:
        message = f"the spec declares a sweep of {sweep.count():,} runs, and this trains one"
        hint = (
            "train them all by `declnet sweep`, or only the spec's own values by --set sweep={}, "
            'in a program by the override {"sweep": {}}'
        )
        problem = Diagnostic(message, hint, (SWEEP,), "E053", focus="key")
        raise SpecError(sweep.base.locate([problem]))
