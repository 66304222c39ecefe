"""Studies: the section `[tune]` says which keys of a spec to search, and for what.

The section exists only before validation, as `[sweep]` does: each trial is the spec with other
values at those keys. A spec with the section is also a run of its own values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from declnet.contracts.network.directions import Better
from declnet.contracts.returned import why_unavailable
from declnet.contracts.runs.searcher import Dimension, Scalar, Searcher
from declnet.contracts.strict_model import custom_error, located_error
from declnet.errors import Diagnostic, KeyPath
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.document.blocks import Block
from declnet.spec.document.source_map import SourceMap
from declnet.spec.repairs import Repair
from declnet.spec.section import Section, duplicates
from declnet.spec.shown_values import shown
from declnet.spec.validation_errors import diagnostic_of, repairs_of
from declnet.spec.varying_keys import (
    FIXED,
    LARGEST_SEED,
    TUNE,
    WHEN,
    Axis,
    KeyReader,
    Point,
    SweptValue,
    entries_of,
    in_order,
    is_allowed,
    labels_of,
    point_of,
)

SPACE = "space"
UNMATCHED = "E054"

_KEYS = ("low", "high", "step", "log", "choices")
FORMS = (
    "{ low = 1e-4, high = 0.1, log = true }, { low = 16, high = 256, step = 16 } and "
    "{ choices = [0.0, 0.1, 0.5] }"
)


class TuneSpec(Section):
    """A study of many trials, for `declnet tune`: the section `[tune]`."""

    objective: str | None = Field(
        default=None,
        description="the metric to improve, with its data set, e.g. validation.loss; default: "
        "the first metric of the validation data",
    )
    better: Better | None = Field(
        default=None,
        description="which values are better, or the number to come close to; default: as the "
        "metric declares",
    )
    trials: int | None = Field(default=None, ge=1, description="maximum number of trials")
    minutes: float | None = Field(
        default=None,
        gt=0,
        description="time after which the study ends, over all resumptions; trials in progress "
        "are interrupted",
    )
    seeds: tuple[int, ...] | None = Field(
        default=None,
        min_length=1,
        description="seeds to train each trial with, for the mean; default: the spec's own",
    )
    search: Searcher | None = Field(default=None, description="what proposes the trials")
    space: dict[str, Any] = Field(
        min_length=1, description="keys of the spec, each with the values to search"
    )
    when: dict[str, Any] = Field(
        default={}, description="for each key, the choices of other keys for which it varies"
    )
    weights: Literal["selected"] | None = Field(
        default=None,
        description="selected: the trials become members of one predictor, with the weights that "
        "predict best together; default: only the best spec is written",
    )

    @field_validator("seeds")
    @classmethod
    def _are_seeds(cls, seeds: tuple[int, ...] | None) -> tuple[int, ...] | None:
        for position, seed in enumerate(seeds or ()):
            if not 0 <= seed <= LARGEST_SEED:
                message = f"must be from 0 to 2^53, not {shown(seed)}"
                raise located_error("number", message, (position,), seed)
        for position, seed in duplicates(seeds or ()):
            raise located_error("names", f"duplicate seed {seed}", (position,), seed)
        return seeds

    @field_validator("search", mode="before")
    @classmethod
    def _default_search(cls, search: Any, info: ValidationInfo) -> Any:
        if search is not None:
            return search
        registry: Registry = (info.context or {}).get("registry") or default_registry()
        defaults = [
            entry for entry in registry.entries(Searcher.kind) if entry.component.is_default
        ]
        if not defaults:
            raise custom_error("missing_key", "is missing", hint="no default searcher is installed")
        available = (
            default for default in defaults if why_unavailable(default.component()) is None
        )
        return next(available, defaults[0]).type

    def check(self) -> Iterator[Diagnostic]:
        """Yield that the study has no end."""
        if self.trials is None and self.minutes is None:
            hint = "add trials, the maximum number, or minutes, after which the study ends"
            yield Diagnostic("is missing", hint, ("trials",), "E011")


@dataclass(frozen=True, eq=False)
class Tuning:
    """The search that a study performs.

    Attributes:
        base: the spec without the section.
        keys: the section as validated.
        space: the dimensions, each after those in its conditions.
        axes: for each dimension, the values at its ends, or all of its choices.
        section: the section as written.
    """

    base: SourceMap
    keys: TuneSpec
    space: tuple[Dimension, ...] = ()
    axes: tuple[Axis, ...] = ()
    section: Mapping[str, Any] = field(default_factory=dict)

    @property
    def searcher(self) -> Searcher:
        """What proposes the trials."""
        assert self.keys.search is not None  # noqa: S101  # validated
        return self.keys.search

    def point(self, values: Mapping[str, Scalar]) -> Point:
        """Return the spec of a trial."""
        chosen = []
        for axis, dimension in zip(self.axes, self.space, strict=True):
            if dimension.key in values:
                value, (first, *_) = values[dimension.key], axis.steps
                if dimension.choices:
                    chosen.append(axis.steps[dimension.choices.index(value)][0])
                else:
                    text = f"{dimension.key}={shown(value)}"
                    chosen.append(replace(first[0], value=value, text=text))
        return point_of(self.base, chosen)

    def extremes(self) -> Iterator[Point]:
        """Yield specs that together have both ends of each range and each choice."""
        tried: set[tuple[tuple[str, str], ...]] = set()
        for axis in self.axes:
            for (value,) in axis.steps:
                chosen = self._with({value.key: value})
                texts = tuple((value.key, value.text) for value in chosen)
                if texts not in tried:
                    tried.add(texts)
                    yield point_of(self.base, chosen)

    def _with(self, fixed: dict[str, SweptValue]) -> list[SweptValue]:
        """Return a value of each dimension that applies, among them the fixed ones."""
        by_key = {axis.keys[0]: axis for axis in self.axes}
        waiting = list(fixed)
        while waiting:  # add what a fixed one depends on
            for key, allowed in by_key[waiting.pop()].conditions:
                if key not in fixed:
                    values = (value for (value,) in by_key[key].steps)
                    fixed[key] = next(value for value in values if is_allowed(value, allowed))
                    waiting.append(key)
        chosen: dict[str, SweptValue] = {}
        for axis in self.axes:
            key = axis.keys[0]
            if key in fixed:
                chosen[key] = fixed[key]
            elif axis.applies(chosen):
                chosen[key] = axis.steps[0][0]
        return list(chosen.values())


def without_tune(source_map: SourceMap) -> SourceMap:
    """Return a document without the section."""
    rest = {key: value for key, value in source_map.document.items() if key != TUNE}
    return replace(source_map, document=rest)


def tuning_of(
    source_map: SourceMap, context: Mapping[str, Any]
) -> tuple[Tuning | None, dict[Repair, Diagnostic], Sequence[Diagnostic]]:
    """Return what the section `[tune]` of a document searches, and the errors in it.

    Between them are the repairs of keys of earlier versions, each with its warning.

    Args:
        source_map: the document, with or without the section.
        context: the validation context: `registry` and `folder`.
    """
    section = source_map.document.get(TUNE)
    if section is None or section == {}:
        return None, {}, ()
    if not isinstance(section, dict):
        message = f'"{TUNE}" must be a table, not {shown(section)}'
        return None, {}, [Diagnostic(message, None, (TUNE,), "E012")]
    problems: list[Diagnostic] = []
    keys: TuneSpec | None = None
    repairs: dict[Repair, Diagnostic] = {}
    try:
        keys = TuneSpec.model_validate({"search": None, **section}, context=dict(context))
    except ValidationError as error:
        for detail in error.errors():
            detail["loc"] = (TUNE, *detail["loc"])
            problem = diagnostic_of(detail, source_map.document)
            if problem.severity == "error":
                problems.append(problem)
            else:
                repairs |= dict.fromkeys(repairs_of(detail, source_map.document), problem)
    space = section.get(SPACE)
    reader = _SpaceReader(source=source_map, section=space if isinstance(space, dict) else {})
    axes, dimensions = reader.read(section.get(WHEN, {}))
    problems = [*reader.problems, *problems]
    if keys is None or problems:
        return None, repairs, problems
    return Tuning(without_tune(source_map), keys, dimensions, axes, section), {}, ()


class _SpaceReader(KeyReader):
    """The reader of the space of a study."""

    at, when_at, noun, code = (TUNE, SPACE), (TUNE, WHEN), "study", UNMATCHED

    def read(self, when: Any) -> tuple[tuple[Axis, ...], tuple[Dimension, ...]]:
        """Return the ends or choices of each dimension, and the dimensions, in one order."""
        dimensions: dict[str, Dimension] = {}
        values: dict[str, list[SweptValue]] = {}
        for key, at, value in entries_of(self.section, self.at, _is_dimension):
            if self.may_vary(key, at, FIXED):
                read = self._dimension(key, at, value)
                if read is not None:
                    dimensions[key], values[key] = read
        groups = [(key,) for key in values]
        if not isinstance(when, dict):
            return (), ()  # reported as a key of the section
        conditions = self.conditions(when, values, groups)
        self._require_choices(conditions, dimensions)
        axes = [
            Axis(keys, tuple((v,) for v in values[keys[0]]), tuple(conditions.get(keys, ())))
            for keys in groups
        ]
        self.require_order(axes)
        axes = in_order(axes)
        space = []
        for axis in axes:
            needs = _named(axis.conditions, values, dimensions)
            space.append(replace(dimensions[axis.keys[0]], conditions=needs))
        return tuple(axes), tuple(space)

    def _dimension(
        self, key: str, at: KeyPath, value: Any
    ) -> tuple[Dimension, list[SweptValue]] | None:
        """Return a dimension with its ends or choices; None if it is invalid."""
        if isinstance(value, list):
            return self._choices(key, at, value)
        if not isinstance(value, dict):
            message = f'"{key}" must be a table of low and high, or choices, not {shown(value)}'
            self.report(message, f"write one of {FORMS}", at, "E012")
            return None
        if "choices" not in value:
            return self._range(key, at, value)
        choices, inside = value["choices"], (*at, "choices")
        for other in value:
            if other in _KEYS and other != "choices":
                hint = "write either low and high, or choices"
                self.report(
                    f'choices have no "{other}"', hint, (*at, other), UNMATCHED, by_key=True
                )
        if isinstance(choices, list):
            return self._choices(key, inside, choices)
        hint = f"write a list, e.g. [{shown(choices)}]"
        self.report(f'"choices" must be a list, not {shown(choices)}', hint, inside, "E012")
        return None

    def _choices(
        self, key: str, at: KeyPath, listed: list[Any]
    ) -> tuple[Dimension, list[SweptValue]] | None:
        if len(listed) < 2:
            hint = "list at least two, or write the value in the spec itself"
            self.report(f'"{key}" has {len(listed) or "no"} choices', hint, at, "E018")
            return None
        for position, choice in duplicates(listed):
            message = f'"{key}" has the choice {shown(choice)} twice'
            self.report(message, "remove one of the two", (*at, position), "E019")
            return None
        names = labels_of(listed)
        choices = tuple(
            choice if isinstance(choice, bool | int | float | str) else name
            for choice, name in zip(listed, names, strict=True)
        )
        values = [
            self._value(key, choice, (*at, position), name)
            for position, (choice, name) in enumerate(zip(listed, names, strict=True))
        ]
        return Dimension(key, choices=choices), values

    def _value(self, key: str, value: Any, at: KeyPath, label: str = "") -> SweptValue:
        text = f"{key}={label or shown(value)}"
        return SweptValue(key, value, text, 1, self.source, at, self.places[key], label)

    def _range(
        self, key: str, at: KeyPath, table: dict[str, Any]
    ) -> tuple[Dimension, list[SweptValue]] | None:
        before = len(self.problems)
        self.require_keys(table, at, _KEYS, ("low", "high"), f"write one of {FORMS}")
        self._require_types(at, table)
        if len(self.problems) > before:
            return None
        low, high, step, log = table["low"], table["high"], table.get("step"), table.get("log")
        if type(low) is not type(high):
            low, high = float(low), float(high)
        self._require_range(at, low, high, step, log=bool(log))
        if len(self.problems) > before:
            return None
        if step is not None:
            high = low + step * math.floor((high - low) / step * (1 + 1e-12))
        elif type(low) is int and not log:
            step = 1
        ends = [self._value(key, low, (*at, "low")), self._value(key, high, (*at, "high"))]
        return Dimension(key, low, high, step, bool(log)), ends

    def _require_types(self, at: KeyPath, table: Mapping[str, Any]) -> None:
        for key in ("low", "high", "step"):
            number = table.get(key, 0)
            if type(number) not in (int, float) or not math.isfinite(number):
                message = f'"{key}" must be a finite number, not {shown(number)}'
                self.report(message, None, (*at, key), "E012")
        if type(table.get("log", False)) is not bool:
            message = f'"log" must be true or false, not {shown(table["log"])}'
            self.report(message, None, (*at, "log"), "E012")

    def _require_range(
        self, at: KeyPath, low: float, high: float, step: float | None, *, log: bool
    ) -> None:
        if low >= high:
            message = f'"high" must be greater than "low", {shown(low)}, not {shown(high)}'
            self.report(message, None, (*at, "high"), "E013")
        elif log and low <= 0:
            message = f'on a logarithmic scale, "low" must be greater than 0, not {shown(low)}'
            self.report(message, "write a small value, or remove log", (*at, "low"), "E013")
        if step is None:
            return
        if log:
            message = "a range on a logarithmic scale has no step"
            self.report(message, "remove step or log", (*at, "step"), UNMATCHED, by_key=True)
        elif step <= 0:
            message = f'"step" must be greater than 0, not {shown(step)}'
            self.report(message, None, (*at, "step"), "E013")
        elif type(low) is int and type(step) is not int:
            message = f'"step" must be an integer, as "low" and "high" are, not {shown(step)}'
            hint = f"write the ends as {float(low)} and {float(high)} if they need not be"
            self.report(message, hint, (*at, "step"), "E012")
        elif low < high < low + step:
            message = f'"step" must be at most {shown(high - low)}, the length of the range'
            self.report(message, None, (*at, "step"), "E013")

    def _require_choices(
        self,
        conditions: Mapping[tuple[str, ...], Iterable[tuple[str, Any]]],
        dimensions: Mapping[str, Dimension],
    ) -> None:
        """Report conditions on the values of a range."""
        for (key,), needs in conditions.items():
            for other, _ in needs:
                if not dimensions[other].choices:
                    message = f'"{key}" depends on "{other}", which is a range and not choices'
                    at = (*self.when_at, key, other)
                    hint = f'give "{other}" choices, or remove the condition'
                    self.report(message, hint, at, UNMATCHED, by_key=True)


def _is_dimension(value: Any) -> bool:
    """Return whether a table is the value of a key rather than a table of keys."""
    return isinstance(value, Mapping) and not set(_KEYS).isdisjoint(value)


def _named(
    conditions: Sequence[tuple[str, tuple[Any, ...]]],
    values: Mapping[str, Sequence[SweptValue]],
    dimensions: Mapping[str, Dimension],
) -> tuple[tuple[str, tuple[Scalar, ...]], ...]:
    """Return conditions whose tables are represented by the names of choices."""
    return tuple(
        (
            key,
            tuple(
                choice
                for choice, value in zip(dimensions[key].choices, values[key], strict=False)
                if is_allowed(value, allowed)
            ),
        )
        for key, allowed in conditions
    )


def file_tables() -> dict[str, type[BaseModel]]:
    """Return the models of `[tune]` and of a block of layers, as `tune` and `block`."""
    return {"tune": TuneSpec, "block": Block}
