"""Schedules for scheduled fields, to see whether a component follows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from declnet import Array, Schedule
from declnet.testing.checking import CheckSkipped, Subject
from declnet.testing.comparison import require_equal


class _Jump(Schedule):
    """A schedule with one value at the first step, and another at all later ones."""

    type = "jump"

    first: float
    later: float

    def rate(self, step: int, total: int) -> float:  # noqa: ARG002
        return self.first if step == 1 else self.later


def require_followed(field: str, what: str, array: Array, expected: Array) -> None:
    """Raise CheckFailed if a result with a schedule in a field is not that with its number."""
    fault = f"{what} with a schedule in {field} differs from the result with its number"
    require_equal(array, expected, fault, f"read state.now.{field} at each call", tolerance=0)


def scheduled_variants(subject: Subject) -> Iterator[tuple[str, Subject, Subject, Subject]]:
    """Yield, for each scheduled field, its name and three variants of a component.

    The first has a schedule in that field; the others have the schedule's numbers at the first step
    and at later ones.

    Raises:
        CheckSkipped: it has no scheduled fields.
    """
    component: Any = subject.instance
    fields = component.scheduled_fields()
    if not fields:
        raise CheckSkipped("it has no scheduled fields")
    for name, bounds in fields.items():
        declared = getattr(component, name)
        later = declared.rate(1, 100) if isinstance(declared, Schedule) else declared
        others = (later / 2, (later + 1) / 2, 2 * later, 0.5, 1.0, 2.0)
        first = next(
            (other for other in others if other != later and bounds.contains(other)), later
        )
        values = (_Jump(first=first, later=later), first, later)
        scheduled, before, after = (
            Subject(component.model_copy(update={name: value}), subject.example, subject.registry)
            for value in values
        )
        yield name, scheduled, before, after
