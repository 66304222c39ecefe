"""Checks one component."""

from __future__ import annotations

from declnet.components.component import Component
from declnet.errors import RegistryError
from declnet.testing.cases import cases_of_class, cases_of_instance, failing_case
from declnet.testing.report import Report
from declnet.testing.subjects import Subject, registry_with


def check_component(
    component: type[Component] | Component, *, raise_on_failure: bool = True
) -> Report:
    """Runs every check of a component's kind on each of its examples, or on one instance.

    Args:
        component: a class (its `examples` are built, or else its defaults), or an instance.
        raise_on_failure: whether to raise if the checks did not succeed.

    Returns:
        The outcomes. Warnings of floating-point arithmetic are silent, as in a training step.

    Raises:
        ConformanceError: a check failed, or none was run; it lists each fault.
    """
    cls = component if isinstance(component, type) else type(component)
    name = f"{getattr(cls, 'kind', 'component')}:{getattr(cls, 'type', cls.__name__)}"
    try:
        registry = registry_with([cls])
    except (RegistryError, AttributeError) as error:
        cases = iter([failing_case(name, "can_be_registered", str(error))])
    else:
        if isinstance(component, type):
            cases = cases_of_class(cls, registry)
        else:
            cases = cases_of_instance(Subject(component, 0, registry))
    report = Report(name, tuple(case.outcome() for case in cases))
    if raise_on_failure:
        report.raise_for_failures()
    return report
