"""The fitted transforms of a preparation, applied to columns in as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.contracts.annotations import shown
from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import ColumnError, Sequences, Transform, TransformState
from declnet.contracts.returned import BrokenContractError, verified, verifying
from declnet.data.columns import refused_column

MOST_PLANS = 32
"""Combinations of columns and types whose calls are kept; integers with gaps are another type."""


@dataclass(frozen=True, eq=False)
class FittedStep:
    """A transform with its fitted state for each column it applies to.

    Attributes:
        number: its position in `data.prepare`, where training-only transforms count too.
    """

    transform: Transform
    states: Mapping[str, TransformState]
    number: int


class ColumnSteps:
    """Fitted transforms in order, with states that are made ready once; thread-safe.

    Columns of one type with the same transforms are transformed together if all of these have a
    `joint_state`, so that a row of many columns takes few calls.
    """

    def __init__(self, steps: Sequence[FittedStep]) -> None:
        self._steps = tuple(steps)
        self._ready: dict[tuple[int, str], TransformState] = {}
        self._plans: dict[Any, _Plan] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what copies and pickles hold: the steps."""
        return type(self), (self._steps,)

    def transformed(
        self, columns: Mapping[str, Array], records: Table, *, together: bool = False
    ) -> tuple[dict[str, Array], dict[str, Sequences]]:
        """Return the transformed columns, and the sequences that some of them became.

        Args:
            columns: the columns by name.
            records: the table that they are from, for messages.
            together: whether columns may be transformed together: each is (n,).

        Raises:
            DataError: a row cannot be transformed.
        """
        plan = self._plan(columns, together)
        try:
            return plan.run(columns)
        except _RefusedError as refused:
            if not plan.is_joint:
                raise refused.located(records) from None
        return self.transformed(columns, records)  # finds the first error, and its column

    def _plan(self, columns: Mapping[str, Array], together: bool) -> _Plan:
        """Return the calls for columns of these names and types."""
        key = together, *[(name, column.dtype) for name, column in columns.items()]
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) == MOST_PLANS:
                self._plans.clear()
            groups = self._groups(columns) if together else [(name,) for name in columns]
            plan = self._plans[key] = _Plan(tuple(groups), self._calls(groups))
        return plan

    def _groups(self, columns: Mapping[str, Array]) -> list[tuple[str, ...]]:
        """Return the names of columns that are transformed together, and of each other column."""
        alike: dict[Any, list[str]] = {}
        for name, column in columns.items():
            numbers = tuple(step.number for step in self._steps if name in step.states)
            joins = numbers and self._join((name,))
            alike.setdefault((column.dtype, numbers) if joins else name, []).append(name)
        groups: list[tuple[str, ...]] = []
        for names in alike.values():
            groups += [tuple(names)] if self._join(names) else [(name,) for name in names]
        return groups

    def _join(self, names: Sequence[str]) -> bool:
        """Return whether columns with the same transforms can be transformed together."""
        steps = (step for step in self._steps if names[0] in step.states)
        return all(_joint_state(step, names) is not None for step in steps)

    def _calls(self, groups: Sequence[tuple[str, ...]]) -> tuple[_Call, ...]:
        """Return the calls in the order of the transforms, and of the columns of each."""
        group_of = {names[0]: position for position, names in enumerate(groups)}
        calls = []
        for step in self._steps:
            for name in (name for name in step.states if name in group_of):
                names = groups[group_of[name]]
                alone = len(names) == 1
                state = self._state(step, name) if alone else _joint_state(step, names)
                apply = verifying(Transform.apply, step.transform)
                calls.append(_Call(step, group_of[name], names, state or {}, apply))
        return tuple(calls)

    def _state(self, step: FittedStep, name: str) -> TransformState:
        """Return the state of a column, ready to be applied; several plans share it."""
        key = step.number, name
        if key not in self._ready:
            self._ready[key] = verified(Transform.ready_state, step.transform, step.states[name])
        return self._ready[key]


def _joint_state(step: FittedStep, names: Sequence[str]) -> TransformState | None:
    states = [step.states[name] for name in names]
    return verified(Transform.joint_state, step.transform, states)


class _RefusedError(Exception):
    """A transform refused a column, or needs too much memory for it."""

    def __init__(self, call: _Call, error: ColumnError | MemoryError) -> None:
        self._call, self._error = call, error

    def located(self, records: Table) -> Exception:
        step = self._call.step
        name = self._call.names[0]
        return refused_column(self._error, step.transform, name, records, step.number)


@dataclass(frozen=True, eq=False)
class _Call:
    """A transform of one of the groups of a plan."""

    step: FittedStep
    group: int
    names: tuple[str, ...]
    state: TransformState
    apply: Callable[[Array, TransformState], Array | Sequences]


@dataclass(frozen=True, eq=False)
class _Plan:
    """The calls that transform columns of certain names and types.

    Attributes:
        groups: names of columns that are one array (n, columns), or of one that is alone.
        calls: the calls in order.
    """

    groups: tuple[tuple[str, ...], ...]
    calls: tuple[_Call, ...]

    @property
    def is_joint(self) -> bool:
        """Whether some columns are transformed together."""
        return any(len(names) > 1 for names in self.groups)

    def run(self, columns: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Sequences]]:
        """Return the transformed columns, and those that are sequences; raise _RefusedError."""
        sequences = {}
        arrays = [
            columns[names[0]] if len(names) == 1 else _side_by_side(columns, names)
            for names in self.groups
        ]
        for call in self.calls:
            x = arrays[call.group]
            try:
                y = call.apply(x, call.state)
            except (ColumnError, MemoryError) as error:
                raise _RefusedError(call, error) from None
            if len(call.names) > 1:
                if isinstance(y, Sequences) or y.shape != x.shape:
                    fault = f"returned {shown(y)} for an array of shape {x.shape}"
                    raise BrokenContractError(call.step.transform, "apply", fault)
            elif isinstance(y, Sequences):
                sequences[call.names[0]], y = y, y.values
            arrays[call.group] = y
        transformed = dict(columns)
        for names, array in zip(self.groups, arrays, strict=True):
            if len(names) == 1:
                transformed[names[0]] = array
            else:
                transformed |= zip(names, array.T, strict=True)
        return transformed, sequences


def _side_by_side(columns: Mapping[str, Array], names: Sequence[str]) -> Array:
    """Return columns as one array (n, columns), in which the rows of each column are contiguous."""
    array: Array = np.array([columns[name] for name in names]).T
    return array
