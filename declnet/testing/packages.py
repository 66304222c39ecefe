"""Entry points to check a component, or all components that a plugin package registers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from declnet.contracts.component import Component
from declnet.errors import RegistryError
from declnet.registry.discovery import default_registry, load, plugin_of
from declnet.registry.hookspec import PROJECT
from declnet.registry.plugin import Plugin, PluginFailure, normalized, running_plugin
from declnet.registry.registry import Registry
from declnet.testing.cases import (
    Case,
    cases_of_class,
    cases_of_subjects,
    ending_case,
)
from declnet.testing.check import CheckFailed, ConformanceError, Subject, described
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


def cases_of_package(name: str, instances: Iterable[Component] = ()) -> Iterator[Case]:
    """Yield the cases of all components that a plugin registers; failures are cases that fail.

    Raises RegistryError if there is no such plugin.
    """
    classes, failures = _registered_by(name)
    for failure in [*failures, *_collisions(name)]:
        known = f"{failure.kind}:{failure.type}" if failure.type else None
        component = known or f"plugin:{failure.plugin.name}"
        yield ending_case(component, "can_be_registered", CheckFailed(failure.cause))
    if classes:
        yield from cases_of_classes(classes, instances)


def cases_of_classes(
    classes: Iterable[type[Any]], instances: Iterable[Component] = ()
) -> Iterator[Case]:
    """Yield the cases of classes that may refer to each other.

    Raises ConformanceError if an instance is not of one of the classes.
    """
    classes, instances = list(classes), list(instances)
    foreign = {type(instance).__name__ for instance in instances if type(instance) not in classes}
    if foreign:
        raise ConformanceError(f"instances of {', '.join(sorted(foreign))}: no class to check")
    registry = registry_with(classes)
    for cls in classes:
        yield from cases_of_class(cls, registry, instances)


def _registered_by(name: str) -> tuple[list[type[Any]], list[PluginFailure]]:
    """Return the classes that a plugin registers, and what went wrong."""
    registry = Registry()
    for module, plugin in _modules(name):

        def failed(error: BaseException, plugin: Plugin = plugin) -> None:
            registry.failures.append(PluginFailure.of(plugin, described(error)))

        with running_plugin(failed):
            load(module(), plugin, registry)
    classes = [entry.component for entry in registry.entries()]
    return classes, registry.failures


def _collisions(name: str) -> Iterator[PluginFailure]:
    """Yield the types of a plugin that specs do not get from it, and names that others have too."""
    plugins = {plugin for _, plugin in _modules(name)}
    installed = default_registry()
    for conflict in installed.conflicts():
        for plugin in plugins.intersection(conflict.plugins) - {conflict.chosen}:
            cause = f"{conflict}; {conflict.consequence}"
            yield PluginFailure(plugin, cause, conflict.kind, conflict.type)
    for plugin in sorted(plugins):
        for other in installed.plugins:
            if other.name == plugin.name and not other.is_of(plugin.distribution):
                cause = f"{other.origin} has an entry point of the same name; rename one"
                yield PluginFailure(plugin, cause)


def _modules(name: str) -> Iterator[tuple[Callable[[], object], Plugin]]:
    """Yield the loader of each module of a plugin, by entry points or by import."""
    points = list(entry_points(group=PROJECT))
    matching = [point for point in points if point.name == name] or [
        each for each in points if each.dist and normalized(each.dist.name) == normalized(name)
    ]
    for point in matching:
        yield point.load, plugin_of(point)
    if matching:
        return
    spec = None
    with suppress(ImportError, ValueError):
        spec = find_spec(name)
    if spec is None:
        raise RegistryError(
            f'there is no plugin "{name}": no entry point, distribution or package has that name'
        )
    yield partial(import_module, name), Plugin(name)
