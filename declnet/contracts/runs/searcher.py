"""Searcher: proposes the values that `declnet tune` tries, and says which trials to stop early."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np

from declnet.contracts.annotations import AtLeast, Misfit, shown
from declnet.contracts.component import Component
from declnet.contracts.network.directions import Direction
from declnet.contracts.serialization import Number
from declnet.errors import Diagnostic, KeyPath, RegistryError

Scalar = bool | int | float | str
"""A value of a dimension."""

TrialState = Literal["running", "finished", "pruned", "failed"]
"""`running` also of a trial whose process was killed, until it is resumed."""


@dataclass(frozen=True)
class Dimension:
    """A key of the spec that varies in a study.

    Attributes:
        key: the dotted key; unique.
        low: the least value, included; integers stay integers.
        high: the largest value, included.
        step: the distance between values, from `low` on; None for any in between. Of integers
            it is at least 1, unless `log` is set.
        log: whether to look for it on a logarithmic scale.
        choices: the values that it takes, in place of `low` and `high`; a table of the spec is
            represented by a name.
        conditions: for which values of other, earlier dimensions it varies at all.
    """

    key: str
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    choices: tuple[Scalar, ...] = ()
    conditions: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether its values are integers."""
        return not self.choices and isinstance(self.low, int) and isinstance(self.high, int)

    def values(self) -> Iterator[Scalar]:
        """Yield its choices, or the values at each step; a range without a step has no end."""
        if self.choices:
            yield from self.choices
            return
        step = self.step or 1
        for number in range(round((self.high - self.low) / step) + 1):
            value = self.low + number * step
            yield value if self.is_integer else float(min(value, self.high))

    def applies(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether it varies, given the values of earlier dimensions."""
        return all(key in values and values[key] in allowed for key, allowed in self.conditions)

    def holds(self, value: object) -> bool:
        """Return whether a value is one that it can take."""
        if self.choices:
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        types = (int,) if self.is_integer else (int, float)
        return type(value) in types and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class StudyTrial:
    """A trial of a study.

    Attributes:
        number: counted from 0; unique in the study, and the name of the trial's folder.
        values: the values of the dimensions that apply, by key.
        state: how far it is.
        value: the objective; None unless it is finished.
        reported: what was known of the objective during the training, by step.
        worker: the study folder whose process has it.
        seconds: how long it took, if it has ended.
    """

    number: Annotated[int, AtLeast(0)]
    values: Mapping[str, Scalar]
    state: TrialState = "running"
    value: float | None = None
    reported: Mapping[int, Number] = field(default_factory=dict)
    worker: str = ""
    seconds: float | None = None

    def verified(self) -> Self:
        """Return this trial; raise Misfit unless it has a value if, and only if, it is finished."""
        if (self.value is None) == (self.state == "finished"):
            raise Misfit(shown(self.value), f" as value of a trial that is {self.state}")
        return self


@dataclass(frozen=True)
class StudyContext:
    """The description of a study for a searcher.

    Attributes:
        name: the study's name.
        directory: the study's folder.
        space: the dimensions; each after those in its conditions.
        objective: the metric, with its data set, e.g. `validation.loss`, or its distance from the
            best value, e.g. `|validation.bias - 0|`.
        better: whether higher or lower values of the objective are better.
        seed: the study's seed: with it and one worker, a study has the same trials every time.
        trials: the most trials; None for no limit.
        steps: an upper bound of the steps that a trial reports; None if unknown.
        worker: what identifies this study's folder among others that share the study.
    """

    name: str
    directory: Path
    space: tuple[Dimension, ...]
    objective: str
    better: Direction
    seed: int = 0
    trials: int | None = None
    steps: int | None = None
    worker: str = ""

    def grid_points(self) -> list[dict[str, Scalar]]:
        """Return all combinations of values, in an order that depends on the seed."""
        points: list[dict[str, Scalar]] = [{}]
        for dimension in self.space:
            points = [
                point if value is None else {**point, dimension.key: value}
                for point in points
                for value in (dimension.values() if dimension.applies(point) else (None,))
            ]
        order = np.random.default_rng(self.seed).permutation(len(points))
        return [points[index] for index in order]

    def check_grid(self, most: int, at: KeyPath = ()) -> Iterator[Diagnostic]:
        """Yield why `grid_points` cannot search it.

        Args:
            most: the most points.
            at: the path of the errors, in the searcher's table.
        """
        size = 1
        for dimension in self.space:
            if not dimension.choices and dimension.step is None:
                message = f'a grid has no values of "{dimension.key}", a range without a step'
                yield Diagnostic(message, "give it a step, or choices", at)
                return
            size *= sum(1 for _ in islice(dimension.values(), most + 1))  # without conditions
        if size > most:
            yield Diagnostic(f"the grid has more than {most:,} points", None, at)


@runtime_checkable
class OpenStudy(Protocol):
    """A study in a searcher's own storage, e.g. a database that several machines share.

    A report to a method is stored when it returns: the process may be killed at any moment.
    """

    def ask(self) -> StudyTrial | None:
        """Return a new trial, or None if there is nothing more to try."""

    def trials(self) -> Sequence[StudyTrial]:
        """Return all trials by number, including other machines' trials."""

    def report(self, number: int, step: int, value: float) -> bool:
        """Store what is known of the objective; return whether to stop the trial early.

        A resumed trial may report a step again, and gets the same answer.
        """

    def tell(self, number: int, state: TrialState, value: float | None, seconds: float) -> None:
        """Store how a trial ended; does nothing if it has ended."""

    def importance(self) -> Mapping[str, float]:
        """Return how much each key matters to the objective; the sum is 1. Empty if unknown."""

    def close(self) -> None:
        """Release what was opened."""


class Searcher(Component):
    """A component that proposes values for the keys that `[tune]` varies.

    It implements `propose`, and the study's folder keeps the trials; or it implements `open`, and
    keeps them itself.
    """

    kind = "searcher"
    conformance_checks = "declnet.testing.checks.searchers"

    is_default: ClassVar[bool] = False
    """Whether a spec that names no searcher has this one, if it is the first that is available."""

    def unavailable(self) -> str | None:
        """Return why it cannot be used on this machine, and what to do; default: None, it can."""
        return None

    def check_study(self, study: StudyContext) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Yield errors and warnings about this searcher in a study, before the study begins.

        It is also called where it is unavailable. Paths are relative to the searcher's own table,
        e.g. `("sampler",)`.
        """
        return ()

    def open(self, study: StudyContext) -> OpenStudy | None:  # noqa: ARG002
        """Open or make a study that it keeps itself; default: None, the study's folder keeps it.

        Raises:
            RunError: the study cannot be opened; the message has no password.
        """
        return None

    def propose(
        self, study: StudyContext, number: int, trials: Sequence[StudyTrial]
    ) -> Mapping[str, Scalar] | None:
        """Return a value for each dimension that applies, or None if there is nothing more to try.

        Args:
            study: the study.
            number: the new trial's number: with the study's seed, the seed of what is drawn.
            trials: all earlier trials, also running ones.
        """
        raise NotImplementedError

    def verify_propose(
        self, values: Mapping[str, Scalar] | None, study: StudyContext, *_: Any
    ) -> None:
        """Raise Misfit unless there is a value for each dimension that applies."""
        if values is not None:
            require_values(values, study.space)

    def should_stop(
        self,
        study: StudyContext,  # noqa: ARG002
        trial: StudyTrial,  # noqa: ARG002
        trials: Sequence[StudyTrial],  # noqa: ARG002
    ) -> bool:
        """Return whether to stop a trial after its last reported step; default: never.

        Args:
            study: the study.
            trial: the trial, with what it reported so far.
            trials: all other trials.
        """
        return False

    def importance(
        self,
        study: StudyContext,  # noqa: ARG002
        trials: Sequence[StudyTrial],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Return how much each key matters to the objective; default: nothing is known."""
        return {}

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class with neither `open` nor `propose`."""
        super().verify_contract()
        if cls.open is Searcher.open and cls.propose is Searcher.propose:
            raise RegistryError(f"{cls.__name__} implements neither propose() nor open()")


def require_order(trials: Sequence[StudyTrial]) -> None:
    """Raise Misfit unless trials are in the order of their numbers, each once."""
    if any(one.number >= other.number for one, other in pairwise(trials)):
        raise Misfit("trials", ", which are not in the order of distinct numbers")


def require_values(values: Mapping[str, Scalar], space: Sequence[Dimension]) -> None:
    """Raise Misfit unless a trial has a value for each dimension that applies, and no others."""
    known: dict[str, Scalar] = {}
    for dimension in space:
        key = dimension.key
        if not dimension.applies(known):
            continue
        if key not in values:
            raise Misfit(f'no value of "{key}"', "")
        if not dimension.holds(values[key]):
            raise Misfit(shown(values[key]), f' for "{key}", which it does not take')
        known[key] = values[key]
    for key in values:
        if key not in known:
            raise Misfit(f'"{key}"', ", which does not vary")
