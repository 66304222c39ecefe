"""What a schedule promises: a rate for every step, which depends on the step alone."""

from __future__ import annotations

from math import isfinite

from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, calling
from declnet.testing.subjects import Subject

STEPS = (*range(1, 10_001), 100_000, 10**6, 10**9)


@check
def rates_are_right(subject: Subject) -> None:
    """Gives a finite rate of at least 0 for every step, however late."""
    for step in STEPS:
        rate = _rate(subject, step)
        if not isfinite(rate) or rate < 0:
            raise CheckFailed(f"rate({step}) is {rate}; it must be finite and at least 0")


@check
def depends_on_the_step_alone(subject: Subject) -> None:
    """Gives the same rate for the same step, in whatever order steps are asked for."""
    forth = {step: _rate(subject, step) for step in STEPS[:300]}
    for step in reversed(STEPS[:300]):
        again = _rate(subject, step)
        if again != forth[step]:
            raise CheckFailed(
                f"rate({step}) was {forth[step]:g} and is {again:g} when asked again; compute it "
                "from the step alone"
            )


CHECKS = (rates_are_right, depends_on_the_step_alone)


def _rate(subject: Subject, step: int) -> float:
    with calling(f"rate({step})"):
        return float(subject.instance.rate(step))
