"""Checks on schedules: a rate for every step that depends only on step and total."""

from __future__ import annotations

import numpy as np

from declnet import Schedule, verified
from declnet.testing.checking import Subject, calling, check
from declnet.testing.checks.common import USED_ONCE, keeps_uses_apart
from declnet.testing.trial import Setting, Trial

TOTALS = (1, 2, 10, 999, 10_000, 10**9)
"""Total numbers of updates to compute rates for."""


def steps_of(total: int) -> list[int]:
    """Return some steps of a training run, including the first and the last."""
    first = range(1, min(total, 2000) + 1)
    return [*first, *(total * part // 100 for part in range(1, 101) if total * part >= 200_000)]


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute the rates of some steps; if another run does too, start with the last ones."""
    asked = [(step, total) for total in TOTALS[:4] for step in steps_of(total)[:300]]
    rates = {pair: _rate(subject, *pair) for pair in (asked[::-1] if setting.beside else asked)}
    return Trial({f"rate{pair}": np.array([rates[pair]]) for pair in asked})


@check
def rates_are_right(subject: Subject) -> None:
    """Gives a finite rate of at least 0 for every step of trainings of any length."""
    for total in TOTALS:
        for step in steps_of(total):
            _rate(subject, step, total)


CHECKS = (rates_are_right, *USED_ONCE, keeps_uses_apart)


def _rate(subject: Subject, step: int, total: int) -> float:
    with calling(f"rate({step}, {total})"):
        return verified(Schedule.rate, subject.instance, step, total)
