"""Checks on schedules: a rate for every step that depends only on step and total."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import numpy as np

from declnet import Schedule, verified
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check, checks_in
from declnet.testing.checks.common import USED_ONCE, keeps_uses_apart
from declnet.testing.trial import Setting, Trial

TOTALS = (1, 2, 10, 999, 10_000, 10**9)
"""Total numbers of updates to compute rates for."""

SHORT = range(1, 301)
"""Totals of which only the last rate is computed, where rounding differs."""

SPREAD = sorted({round(step) for step in np.geomspace(1, 1e6, 400)})
"""Steps at which the rates of two long trainings are compared."""


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
    end = _end(schedule)
    fields = {name: getattr(schedule, name) for name in type(schedule).model_fields}
    if not all(isinstance(value, int | float | str | None) for value in fields.values()):
        raise CheckSkipped("it has fields that are not numbers, which may decide where it ends")
    for name, value in fields.items():
        other = {int: lambda n: 2 * n, float: lambda x: x / 2}.get(type(value))
        with suppress(CheckFailed):
            if not other or _end(schedule.model_copy(update={name: other(value)})) == end:
                continue
        return
    if end is not None:
        raise CheckFailed(
            f"from about step {end} on its rate stays the same, however long the training is; use "
            "total, or a field for the number of steps"
        )


def _end(schedule: Schedule) -> int | None:
    """Return the step from which the rate is the same; None if it depends on the total, or none."""
    rates = list[float]()
    for step in SPREAD:
        rates.append(_rate(schedule, step, 10**6))
        if _rate(schedule, step, 10**9) != rates[-1]:
            return None
    last = max((at for at, (a, b) in enumerate(pairwise(rates)) if a != b), default=None)
    if last is None or last == len(SPREAD) - 2:
        return None
    fades = abs(rates[last] - rates[last + 1]) <= 1e-9 * max(rates)
    return None if fades else SPREAD[last + 1]


def _rate(schedule: Schedule, step: int, total: int) -> float:
    with calling(f"rate({step}, {total})"):
        return verified(Schedule.rate, schedule, step, total)


CHECKS = (*checks_in(globals()), *USED_ONCE, keeps_uses_apart)
