"""Entry points to check a component, or all components that a plugin package registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from declnet import Component, Registry, RegistryError, default_registry, discover
from declnet.testing.cases import (
    Case,
    cases_of_checks,
    cases_of_class,
    cases_of_subjects,
    ending_case,
)
from declnet.testing.checking import CheckFailed, Subject
from declnet.testing.checks.commands import CHECKS as CHECKS_OF_COMMANDS
from declnet.testing.checks.commands import commands_of
from declnet.testing.examples import registry_with
from declnet.testing.report import Report


def check_component(
    component: type[Component] | Component, *, raise_on_failure: bool = True
) -> Report:
    """Run every check of a component's kind on each of its examples, or on one instance.

    Args:
        component: a class (built from its `examples`, or else its defaults), or an instance.
        raise_on_failure: whether to raise if the checks did not succeed.

    Returns:
        The outcomes. Floating-point warnings are silenced, as in a training step.

    Raises:
        ConformanceError: a check failed, or none was run; the message lists each failure.
    """
    cls = component if isinstance(component, type) else type(component)
    name = f"{getattr(cls, 'kind', 'component')}:{getattr(cls, 'type', cls.__name__)}"
    try:
        registry = registry_with([cls])
    except (RegistryError, AttributeError) as error:
        cases = iter([ending_case(name, "can_be_registered", CheckFailed(str(error)))])
    else:
        if isinstance(component, type):
            cases = cases_of_class(cls, registry)
        else:
            cases = cases_of_subjects([Subject(component, 0, registry)])
    report = Report(name, tuple(case.outcome() for case in cases))
    if raise_on_failure:
        report.raise_for_failures()
    return report


def check_package(name: str) -> Report:
    """Run every check on every component that a plugin registers.

    Args:
        name: an entry point of the group `declnet`, a distribution, or an importable package.

    Returns:
        The outcomes; import and registration errors are failures. A report in which no check ran
        has not succeeded.

    Raises:
        RegistryError: there is no such plugin.
    """
    return Report(name, tuple(case.outcome() for case in cases_of_package(name)))


def cases_of_package(name: str) -> Iterator[Case]:
    """Yield the cases of all components that a plugin registers; failures are cases that fail.

    Raises RegistryError if there is no such plugin.
    """
    return chain.from_iterable(cases for _, cases in components_of_package(name))


def components_of_package(name: str) -> Iterator[tuple[str, Iterable[Case]]]:
    """Yield the name and the cases of each component that a plugin registers.

    The first is the plugin itself, whose cases are failures of import and registration.

    Raises RegistryError if there is no such plugin.
    """
    commands = commands_of(name)
    try:
        registry = discover(only=name)
    except RegistryError:
        if not commands:
            raise
        registry = Registry()
    classes = [entry.component for entry in registry.entries()]  # imports those announced lazily
    faults = [
        (failure.plugin.name, failure.kind, failure.type, failure.described_cause)
        for failure in registry.failures
        if failure.plugin.distribution or not commands  # a package of commands needs no hook
    ]
    refused = list[Case]()
    for plugin, kind, type_name, fault in [*faults, *_collisions(registry)]:
        component = f"{kind}:{type_name}" if type_name else f"plugin:{plugin}"
        refused.append(ending_case(component, "can_be_registered", CheckFailed(fault)))
    yield f"plugin:{name}", refused
    yield from components_of_classes(classes)
    for command in commands:
        yield command.component, cases_of_checks(command, CHECKS_OF_COMMANDS, [])


def components_of_classes(classes: Iterable[type[Any]]) -> Iterator[tuple[str, Iterable[Case]]]:
    """Yield the name and the cases of each class; the classes may refer to each other."""
    classes = list(classes)
    registry = registry_with(classes)
    for cls in classes:
        yield f"{cls.kind}:{cls.type}", cases_of_class(cls, registry)


def _collisions(registry: Registry) -> Iterator[tuple[str, str | None, str | None, str]]:
    """Yield the types of plugins that specs do not get from them, and names that others have too.

    Args:
        registry: has the plugins alone.

    Yields:
        The name of the plugin, the kind and the type, if it is one, and what is wrong.
    """
    installed = default_registry()
    for conflict in installed.conflicts():
        for plugin in {*registry.plugins}.intersection(conflict.plugins) - {conflict.chosen}:
            fault = f"{conflict}; {conflict.consequence}"
            yield plugin.name, conflict.kind, conflict.type, fault
    for plugin in sorted(registry.plugins):
        for other in installed.plugins:
            if other.name == plugin.name and not other.is_of(plugin.distribution):
                fault = f"{other.origin} has an entry point of the same name; rename one"
                yield plugin.name, None, None, fault
