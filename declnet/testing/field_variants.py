"""Components with other values in their fields: other numbers and choices, or schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import ValidationError

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


def variants(
    subject: Subject, accepts: Callable[[Any], bool] = lambda _: True
) -> Iterator[tuple[str, Subject]]:
    """Yield a component and, if it is the first example, one with other values in its fields.

    Each comes with words for messages. Changed are numbers, switches and choices that the class
    itself declares, unless it takes no other value, or `accepts` refuses the component.
    """
    yield "", subject
    component, cls, context = (
        subject.instance,
        type(subject.instance),
        {"registry": subject.registry},
    )
    changed = []
    for name in () if subject.example else cls.model_fields:
        if name in component.contract().model_fields:
            continue
        for value in _other_values(getattr(component, name), cls.model_fields[name].annotation):
            try:
                other = cls.model_validate({**dict(component), name: value}, context=context)
            except ValidationError:
                continue
            if accepts(other):
                component = other
                changed.append(f"{name} = {value!r}")
                break
    if changed:
        yield f" with {', '.join(changed)}", Subject(component, registry=subject.registry)


def _other_values(value: Any, annotation: Any) -> tuple[Any, ...]:
    """Return values to try in place of a field's value."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, float):
        return tuple(other for other in _other_numbers(value) if other != value)
    return tuple(
        choice for choice in get_args(annotation) if isinstance(value, str) and choice != value
    )


def _other_numbers(value: float) -> tuple[float, ...]:
    return (value / 2, (value + 1) / 2, 2 * value, 0.5, 1.0, 2.0)


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
        others = (value for value in _other_numbers(later) if value != later)
        first = next(filter(bounds.contains, others), later)
        values = (_Jump(first=first, later=later), first, later)
        scheduled, before, after = (
            Subject(component.model_copy(update={name: value}), subject.example, subject.registry)
            for value in values
        )
        yield name, scheduled, before, after
