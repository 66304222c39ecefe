"""What a schedule promises: a rate for every step, which depends on step and total alone."""

from __future__ import annotations

import numpy as np

from declnet.components.returned import checked_rate
from declnet.testing.check import CheckFailed, Subject, calling, check
from declnet.testing.trial import Setting, Trial
from declnet.testing.trial_checks import USED_ONCE

TOTALS = (1, 2, 10, 999, 10_000, 10**9)
"""Updates of the trainings for which rates are asked."""


def steps_of(total: int) -> list[int]:
    """Return some steps of a training, the first and the last of them among others."""
    first = range(1, min(total, 2000) + 1)
    return [*first, *(total * part // 100 for part in range(1, 101) if total * part >= 200_000)]


def try_schedule(subject: Subject, setting: Setting) -> Trial:  # noqa: ARG001
    """Ask for the rates of some steps."""
    rates = [_rate(subject, step, total) for total in TOTALS[:4] for step in steps_of(total)[:50]]
    return Trial({"the rates": np.array(rates)})


@check
def rates_are_right(subject: Subject) -> None:
    """Gives a finite rate of at least 0 for every step of trainings of any length."""
    for total in TOTALS:
        for step in steps_of(total):
            _rate(subject, step, total)


@check
def depends_on_the_step_alone(subject: Subject) -> None:
    """Gives the same rate for the same step and total, in whatever order steps are asked for."""
    for total in TOTALS[:4]:
        steps = steps_of(total)[:300]
        forth = {step: _rate(subject, step, total) for step in steps}
        for step in reversed(steps):
            again = _rate(subject, step, total)
            if again != forth[step]:
                raise CheckFailed(
                    f"rate({step}, {total}) was {forth[step]:g} and is {again:g} when asked again; "
                    "compute it from step and total alone"
                )


CHECKS = (rates_are_right, *USED_ONCE, depends_on_the_step_alone)


def _rate(subject: Subject, step: int, total: int) -> float:
    with calling(f"rate({step}, {total})"):
        return checked_rate(subject.instance, subject.instance.rate(step, total), step)
