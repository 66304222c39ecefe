"""Sweeps: the section `[sweep]` says which keys of a spec vary, and over which values.

The section exists only before validation: each of its points is the spec with other values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from declnet.contracts.plain_values import leaves
from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.registry.spelling import suggestion
from declnet.spec.document.compose import PRESET
from declnet.spec.document.source_map import SourceMap
from declnet.spec.document.variables import VARIABLES
from declnet.spec.shown_values import shown
from declnet.spec.varying_keys import (
    FIXED,
    FIXED_HINTS,
    LARGEST_SEED,
    SWEEP,
    WHEN,
    Axis,
    KeyReader,
    Point,
    Reader,
    SweptValue,
    entries_of,
    in_order,
    labels_of,
    point_of,
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
    for path, leaf in leaves(value):
        yield from (part for part in (*path, leaf) if isinstance(part, str))


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


_KEYS = {
    "from": ("from", "to", "step"),
    "linear": ("linear", "count"),
    "log": ("log", "count"),
}
_ALL_KEYS = {key for keys in _KEYS.values() for key in keys}
FORMS = (
    "{ from = 0, to = 3 }, { linear = [0.0, 0.5], count = 6 } and { log = [16, 1024], count = 4 }"
)
MOST_VALUES = 10_000
DIGITS = 6
"""Significant digits of the values between the ends of a range."""


def is_range(value: Any) -> bool:
    """Return whether a value is a table with a key of a range."""
    return isinstance(value, Mapping) and not _ALL_KEYS.isdisjoint(value)


def range_values(reader: Reader, table: Mapping[str, Any], at: KeyPath) -> list[Any]:
    """Return the values of a range, both ends included; none if an error is reported.

    `from`, `to` and `step` are integers. `linear` and `log` have `count` values at equal
    distances or with equal ratios: integers if both ends are, else rounded to six digits.

    Args:
        reader: where errors are reported.
        table: the range.
        at: its path in the document.
    """
    before = len(reader.problems)
    forms, hint = [form for form in _KEYS if form in table], f"ranges are {FORMS}"
    if not forms:
        unknown = table.keys() - _ALL_KEYS
        for key in unknown:
            similar = suggestion(str(key), _KEYS, "ranges have one of")
            reader.report(f'unknown key "{key}"', similar, (*at, key), "E010", by_key=True)
        if not unknown:
            reader.report("a range has from, linear or log", hint, at, "E011")
        return []
    if len(forms) > 1:
        message = f"a range has one of {', '.join(_KEYS)}, not {' and '.join(forms)}"
        reader.report(message, hint, at, "E053")
        return []
    (form,) = forms
    reader.require_keys(table, at, _KEYS[form], [*_KEYS[form][:2]], hint)
    for key in ("from", "to", "step", "count"):
        if key in table and key in _KEYS[form] and type(table[key]) is not int:
            message = f'"{key}" must be an integer, not {shown(table[key])}'
            other = "for other numbers: { linear = [0.0, 0.5], count = 6 }"
            reader.report(message, other if form == "from" else None, (*at, key), "E012")
    if len(reader.problems) > before:
        return []
    values = _integers(reader, table, at) if form == "from" else _between(reader, table, form, at)
    return values if len(reader.problems) == before else []


def _integers(reader: Reader, table: Mapping[str, Any], at: KeyPath) -> list[Any]:
    first, last, step = table["from"], table["to"], table.get("step", 1)
    if step < 1:
        reader.report(f'"step" must be at least 1, not {step}', None, (*at, "step"), "E013")
    elif last < first:
        message = f'"to" must be at least {first}, as "from" is, not {last}'
        reader.report(message, None, (*at, "to"), "E013")
    elif (last - first) // step >= MOST_VALUES:
        message = f"the range has more than {MOST_VALUES:,} values"
        reader.report(message, None, (*at, "to"), "E013")
    else:
        return list(range(first, last + 1, step))
    return []


def _between(reader: Reader, table: Mapping[str, Any], form: str, at: KeyPath) -> list[Any]:
    """Return the ends, and what is between them."""
    ends, count, at_ends, at_count = table[form], table["count"], (*at, form), (*at, "count")
    numbers = isinstance(ends, list) and all(type(end) in (int, float) for end in ends)
    if not numbers or len(ends) != 2 or not all(map(math.isfinite, ends)):
        message = f'"{form}" must be a list of two numbers, not {shown(ends)}'
        reader.report(message, None, at_ends, "E012")
    elif ends[0] == ends[1]:
        reader.report(f'the ends of "{form}" are equal', None, at_ends, "E013")
    elif not math.isfinite(ends[1] - ends[0]):
        reader.report(f'the ends of "{form}" are too far apart', None, at_ends, "E013")
    elif form == "log" and min(ends) <= 0:
        message = f'the ends of "log" must be greater than 0, not {shown(min(ends))}'
        reader.report(message, None, at_ends, "E013")
    elif not 2 <= count <= MOST_VALUES:
        message = f'"count" must be from 2 to {MOST_VALUES:,}, not {count}'
        reader.report(message, None, at_count, "E013")
    else:
        first, last = ends
        values = _spaced(first, last, count, by_ratio=form == "log")
        if len(set(values)) == count:
            return values
        kind = "integers" if type(values[0]) is int else "numbers"
        few = f"there are fewer than {count} different {kind} between"
        reader.report(f"{few} {shown(first)} and {shown(last)}", None, at_count, "E013")
    return []


def _spaced(first: float, last: float, count: int, *, by_ratio: bool) -> list[Any]:
    spaced = np.geomspace if by_ratio else np.linspace
    inner = spaced(first, last, count)[1:-1].tolist()
    if type(first) is int and type(last) is int:
        return [first, *map(round, inner), last]
    return [float(first), *(float(f"{value:.{DIGITS}g}") for value in inner), float(last)]
