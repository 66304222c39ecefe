"""Sweeps: the section `[sweep]` says which keys of a spec vary, and over which values.

The section exists only before validation: each of its points is the spec with other values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.spec.document.compose import PRESET
from declnet.spec.document.source_map import SourceMap
from declnet.spec.document.variables import VARIABLES
from declnet.spec.points import Axis, Point, SweptValue, in_order, point_of
from declnet.spec.shown_values import shown
from declnet.spec.sweep_ranges import FORMS, is_range, range_values
from declnet.spec.varying_keys import (
    FIXED,
    FIXED_HINTS,
    LARGEST_SEED,
    SWEEP,
    WHEN,
    KeyReader,
    entries_of,
    labels_of,
)

ZIP, SEED = "zip", "seed"
MOST_RUNS = 10_000
"""Maximum number of runs of a sweep; more are taken for a mistake."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The keys that vary in a spec.

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
        """Return the sweep with a key varying over these values instead of its current ones.

        Raises:
            SpecError: the section varies the key together with others, or the key is a preset's.
        """
        key = values[0].key
        if key.partition(".")[0] == PRESET:
            message, hint = f'"{key}" cannot vary in a sweep', FIXED_HINTS[PRESET]
            place = values[0].key_place
            raise SpecError([Diagnostic(message, hint, (), "E053", place=place)])
        steps = tuple((value,) for value in values)
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

    def without_errors(self, problems: Iterable[Diagnostic]) -> Sweep:
        """Return the sweep without the keys that errors in the section make uncertain.

        These have no values, or are keys of a component that a wrong one was to choose.
        """
        wrong: set[str] = set()
        for problem in problems:
            for key, at, _ in entries_of(self.section, (SWEEP,), is_range):
                if problem.path[: len(at)] == at:
                    wrong.add(key.removesuffix(".type"))
            for name in (ZIP, WHEN):
                if problem.path[:2] == (SWEEP, name):
                    wrong |= {key.removesuffix(".type") for key in _strings_in(self.section[name])}
        if any(key.startswith(VARIABLES) for key in wrong):
            return replace(self, axes=())

        def is_sure(key: str) -> bool:
            return all(key != other and not key.startswith(f"{other}.") for other in wrong)

        axes = [axis for axis in self.axes if axis.steps and all(map(is_sure, axis.keys))]
        return replace(self, axes=tuple(axes))

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
            others = tuple((key, repr(value.value)) for key, value in chosen.items() if key != SEED)
            groups.setdefault(others, []).append(chosen)
        labels = _distinct(self._label(group[0]) for group in groups.values())
        return [self._point(label, g) for label, g in zip(labels, groups.values(), strict=True)]

    def _chosen(self) -> list[dict[str, SweptValue]]:
        """Return the values of each run by key."""
        runs: list[dict[str, SweptValue]] = [{}]
        for axis in in_order(self.axes):
            runs = [
                {**chosen, **{value.key: value for value in step}}
                for chosen in runs
                for step in (axis.steps if axis.applies(chosen) else ((),))
            ]
            if len(runs) > MOST_RUNS:
                message = f"the sweep has more than {MOST_RUNS:,} runs"
                problem = Diagnostic(message, None, (SWEEP,), "E053", focus="key")
                raise SpecError(self.base.locate([problem]))
        return runs

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
        values = [value for key, value in runs[0].items() if key != SEED]
        seeds = tuple(run[SEED].value for run in runs if SEED in run)
        return point_of(self.base, values, label, seeds or None)


def _strings_in(value: Any) -> Iterator[str]:
    """Yield the strings in a value, also as keys, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value:
            yield from _strings_in(item)
        for item in value.values() if isinstance(value, Mapping) else ():
            yield from _strings_in(item)


def _distinct(labels: Iterator[str]) -> list[str]:
    """Return labels of which no two are equal as names of folders."""
    distinct: dict[str, str] = {}
    for label in labels:
        name, number = label, 1
        while name.casefold() in distinct:
            number += 1
            name = f"{label}-{number}"
        distinct[name.casefold()] = name
    return list(distinct.values())


def sweep_of(source_map: SourceMap) -> tuple[Sweep, list[Diagnostic]]:
    """Return what varies in a document, and the errors in its section `[sweep]`.

    Args:
        source_map: the document, with or without the section.
    """
    rest = {key: value for key, value in source_map.document.items() if key != SWEEP}
    base = replace(source_map, document=rest)
    section = source_map.document.get(SWEEP, {})
    if section == {}:
        return Sweep(base), []
    if not isinstance(section, dict):
        message = f'"{SWEEP}" must be a table, not {shown(section)}'
        return Sweep(base), [Diagnostic(message, None, (SWEEP,), "E012")]
    reader = _SweepReader(source=source_map, section=section)
    return Sweep(base, reader.axes(), section), reader.problems


class _SweepReader(KeyReader):
    """The reader of the section of a sweep."""

    at, when_at, noun, code = (SWEEP,), (SWEEP, WHEN), "sweep", "E053"

    def axes(self) -> tuple[Axis, ...]:
        values: dict[str, list[SweptValue]] = {}
        varied = {key: value for key, value in self.section.items() if key not in (ZIP, WHEN)}
        for key, at, value in entries_of(varied, self.at, is_range):
            if self.may_vary(key, at, FIXED):
                values[key] = self._values(key, at, value)
        groups = self._groups(values)
        conditions = self.conditions(self.section.get(WHEN, {}), values, groups)
        axes = []
        for keys in groups:
            steps = tuple(zip(*(values[key] for key in keys), strict=False))
            self._require_distinct(keys, steps)
            axes.append(Axis(keys, steps, tuple(conditions.get(keys, ()))))
        self.require_order(axes)
        return tuple(axes)

    def _values(self, key: str, at: KeyPath, value: Any) -> list[SweptValue]:
        """Return the values of a key, none if they are invalid."""
        if is_range(value):
            listed = range_values(self, value, at)
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
        swept = [
            SweptValue(key, item, f"{key}={shown(item)}", 1, self.source, place, at, label)
            for item, place, label in zip(listed, places, labels_of(listed), strict=True)
        ]
        return [item for item in swept if key != SEED or self._is_seed(item)]

    def _is_seed(self, value: SweptValue) -> bool:
        seed = value.value
        if type(seed) is not int:
            message = f'a "{SEED}" must be an integer, not {shown(seed)}'
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
        lists = self.section.get(ZIP, [])
        if not isinstance(lists, list) or not all(isinstance(keys, list) for keys in lists):
            message = f'"{ZIP}" must be a list of lists of keys, not {shown(lists)}'
            hint = 'write e.g. zip = [["optimizer.learning_rate", "training.batch_size"]]'
            self.report(message, hint, (SWEEP, ZIP), "E012")
            return list(groups.values())
        zipped: set[str] = set()
        for number, keys in enumerate(lists):
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
            text = repr([value.value for value in step])
            if text in seen:
                message = f'"{keys[0]}" has the value {shown(step[0].value)} twice'
                self.report(message, "remove one of the two", step[0].at, "E019")
            seen.add(text)


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
