"""Checks on scheduled fields: whether their schedules stay in the fields' ranges."""

from __future__ import annotations

from collections.abc import Iterator

from declnet.contracts.network.schedule import rate_at, schedules_of
from declnet.errors import Diagnostic
from declnet.training.checks.components import components_of
from declnet.training.checks.context import CheckContext

UNKNOWN = 1000
"""Updates of a training of unknown length, for schedules, which usually depend on its share."""

TRIED = 200
"""Steps of a schedule to try, besides as many first ones."""


def schedule_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each schedule that leaves the range of its field at some step."""
    training, samples = context.spec.training, context.train.samples if context.train else None
    is_known = training.most_epochs is not None
    total = training.updates(samples) if samples and is_known else UNKNOWN
    for path, component in components_of(context.spec):
        if path[:2] == ("optimizer", "groups"):
            continue  # a group inherits the schedules of the optimizer
        ranges = component.scheduled_fields()
        for name, schedule in schedules_of(component).items():
            for step in _steps(total):
                value = rate_at(schedule, step, total)
                if not ranges[name].contains(value):
                    message = (
                        f'"{name}" must be {ranges[name].in_words()}, but its schedule gives '
                        f"{value:.6g} at step {step} of {total}"
                    )
                    yield Diagnostic(message, None, (*path, name), "E013")
                    break


def _steps(total: int) -> list[int]:
    """Return the steps to try, in order: the first ones, and some up to the last."""
    first = range(1, min(total, TRIED) + 1)
    return sorted({*first, *(1 + (total - 1) * part // TRIED for part in range(TRIED + 1))})
