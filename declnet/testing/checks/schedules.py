"""Checks on schedules: a rate for every step that depends only on step and total."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from declnet import Schedule, verified
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.checks import common
from declnet.testing.trial import Setting, Trial

TOTALS = (1, 2, 10, 999, 10_000, 10**9)  # updates in trainings whose rates are computed
SHORT = range(1, 301)  # totals of which only the last rate is computed, where rounding differs
SPREAD = sorted({round(step) for step in np.geomspace(1, 1e6, 400)})  # steps of long trainings


def steps_of(total: int) -> list[int]:
    """Return some steps of a training run, including the first and the last."""
    first = range(1, min(total, 1000) + 1)
    return [*first, *(total * part // 100 for part in range(1, 101) if total * part >= 100_000)]


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute the rates of some steps; if another run does too, start with the last ones."""
    asked = [(step, total) for total in TOTALS[:4] for step in steps_of(total)[:300]]
    ordered = asked[::-1] if setting.beside else asked
    rates = {pair: _rate(subject.instance, *pair) for pair in ordered}
    return Trial({f"rate{pair}": np.array([rates[pair]]) for pair in asked})


@check
def rates_are_right(subject: Subject) -> None:
    """Gives a finite rate of at least 0 for every step of trainings of any length."""
    schedule = subject.instance.model_copy(deep=True)  # if it changes itself, another check says so
    steps = {total: [total] for total in SHORT} | {total: steps_of(total) for total in TOTALS}
    for total in steps:
        for step in steps[total]:
            _rate(schedule, step, total)


@check
def fits_trainings_of_any_length(subject: Subject) -> None:
    """Stops changing only at a step that the total or one of its fields decides."""
    schedule = subject.instance.model_copy(deep=True)
    fields = {name: getattr(schedule, name) for name in type(schedule).model_fields}
    may_decide = not all(isinstance(value, int | float | str | None) for value in fields.values())
    factors = {name: {int: 2, float: 0.5}.get(type(value), 0) for name, value in fields.items()}
    others = ({name: fields[name] * factor} for name, factor in factors.items() if factor)
    if (end := _end(schedule)) is not None and not may_decide:
        follows = any(_end(schedule.model_copy(update=other)) != end for other in others)
        fault = f"from about step {end} on its rate stays the same, however long the training is"
        require(follows, f"{fault}; use total, or a field for the number of steps")


def _end(schedule: Schedule) -> int | None:
    """Return the step from which the rate is the same; None if it depends on the total, or none."""
    with suppress(CheckFailed):  # another check reports it
        rates, longer = (
            np.array([_rate(schedule, step, total) for step in SPREAD]) for total in (10**6, 10**9)
        )
        changes = np.abs(np.diff(rates))
        last = int(np.max(np.flatnonzero(changes), initial=-1))
        fades = changes[last] <= 1e-9 * rates.max()  # as an exponential does
        if (rates == longer).all() and not fades and last < len(changes) - 1:
            return int(SPREAD[last + 1])
    return None


def _rate(schedule: Schedule, step: int, total: int) -> float:
    with calling(f"rate({step}, {total})"):
        return verified(Schedule.rate, schedule, step, total)


CHECKS = (*checks_in(globals()), *common.USED_ONCE, common.keeps_uses_apart)
