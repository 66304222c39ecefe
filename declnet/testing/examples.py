"""Instances of a component class for the kit to check.

They are built from its examples; variants have other numbers, choices or schedules in their fields.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, get_args

from pydantic import ValidationError

from declnet import Component, Registry, Schedule, default_registry
from declnet.testing.checking import CheckFailed, Subject, calling, skip_unless


def build_examples(cls: type[Any], registry: Registry | None = None) -> tuple[Any, ...]:
    """Return instances of a class: from its examples, else from its defaults, else none.

    Args:
        cls: the component class.
        registry: where components that an example names are looked up; default: all installed.

    Raises:
        CheckFailed: an example is not valid.
        CheckSkipped: what an example needs is not installed.
    """
    registry = registry or registry_with([cls])
    tables = example_tables(cls)
    if tables:
        return tuple(build_example(cls, table, i, registry) for i, table in enumerate(tables))
    try:
        with calling("building it without keys"):
            return (cls.model_validate({}, context={"registry": registry}),)
    except CheckFailed as failure:
        if isinstance(failure.__cause__, ValidationError):
            return ()
        raise


def example_tables(cls: type[Any]) -> tuple[dict[str, Any], ...]:
    """Return the examples of a class, the last one with the files that it has written.

    Raises CheckSkipped if what it needs to write them is not installed.
    """
    with calling("example", skips=ImportError):
        table = cls.example(Path(mkdtemp(dir=_folder()))) if writes_files(cls) else None
    return cls.examples if table is None else (*cls.examples, table)


def writes_files(cls: type[Any]) -> bool:
    """Return whether a class has an example whose files it writes."""
    bases = cls.__mro__[: cls.__mro__.index(Component)]
    return any("example" in vars(base) for base in bases)


@cache
def _folder() -> str:
    """Return a folder for the files of examples, which is deleted with the process."""
    folder = mkdtemp()
    atexit.register(rmtree, folder, ignore_errors=True)
    return folder


def build_example(
    cls: type[Any], table: dict[str, Any], position: int, registry: Registry
) -> Component:
    """Return the instance for one of a class's examples; raise CheckFailed if it is not valid."""
    with calling(f"building it from examples[{position}] = {table!r}"):
        component: Component = cls.model_validate(dict(table), context={"registry": registry})
    return component


def registry_with(classes: list[type[Any]]) -> Registry:
    """Return the installed components, with the given classes in place of any of the same types."""
    registry = Registry()
    by_type = {(cls.kind, cls.type): cls for cls in classes}
    for cls in by_type.values():
        registry.register(cls)
    for entry in default_registry().entries():
        if (entry.kind, entry.type) not in by_type:
            registry.add(entry)
    return registry


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
    component, cls, changed = subject.instance, type(subject.instance), []
    context = {"registry": subject.registry}
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


def scheduled_variants(subject: Subject) -> Iterator[tuple[str, Subject, Subject, Subject]]:
    """Yield, for each scheduled field, its name and three variants of a component.

    The first has a schedule in that field; the others have the schedule's numbers at the first step
    and at later ones.

    Raises:
        CheckSkipped: it has no scheduled fields.
    """
    component: Any = subject.instance
    fields = component.scheduled_fields()
    skip_unless(fields, "it has no scheduled fields")
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
