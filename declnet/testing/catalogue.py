"""The checks of a component: the common ones, and those that its contract names.

A contract names a module by `conformance_checks`. The module defines:

- `CHECKS`, a tuple of `Check`;
- `try_component(subject, setting)`, if its checks use `tried`: it uses the component once;
- `step_calls(subject)`, if the component's methods are calls of a training step: it returns these
  calls, as the graph binds them without kernels, by the circumstances in which they differ;
- `example_data(subject)`, if other components stand for these: it yields `ExampleData`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from declnet import Array, Registry
from declnet.testing.checking import Check, Subject, calling
from declnet.testing.checks import declarations
from declnet.testing.side_effects import has_no_side_effects

COMMON = (*declarations.CHECKS, has_no_side_effects)
"""The checks of every component, whatever its kind; the last one comes after all others."""


def checks_for(component: Any) -> tuple[Check, ...]:
    """Return the checks for a component's kind, in the order in which they run.

    Args:
        component: a component class or an instance.

    Raises:
        CheckFailed: the module that the contract names cannot be imported, or has no checks.
    """
    if not component.conformance_checks:
        return COMMON
    with calling(f"conformance_checks = {component.conformance_checks!r}"):
        checks: tuple[Check, ...] = checks_module(component).CHECKS
        return (*COMMON[:-1], *checks, COMMON[-1])


def checks_module(component: Any) -> Any:
    """Import the module that a component's contract names."""
    return import_module(component.conformance_checks)


@dataclass(frozen=True, eq=False)
class ExampleData:
    """Data that a layer, a loss, a transform or a calibrator takes.

    Attributes:
        name: what messages call it.
        arrays: the inputs of a layer; else one array, (n, …): the predictions that a loss or a
            calibrator gets, or the column of a transform.
        state: what a transform or a calibrator learned, from data of the same kind.
        task: the task of a calibrator's predictions, e.g. `"classes"`; empty for other kinds.
    """

    name: str
    arrays: tuple[Array, ...]
    state: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""


def example_data(component: Any, registry: Registry) -> Iterator[ExampleData]:
    """Yield data of each shape or kind that a component takes.

    Args:
        component: a layer, a loss, a transform or a calibrator.
        registry: where what it names is looked up.

    Raises:
        CheckFailed: the component breaks its contract.
        CheckSkipped: it takes none of the kit's data.
    """
    yield from checks_module(component).example_data(Subject(component, registry=registry))
