"""The checks of a component: the common ones, and those that its contract names.

A contract names a module by `conformance_checks`. The module defines:

- `CHECKS`, a tuple of `Check`;
- `try_component(subject, setting)`, if its checks use `tried`: it uses the component once;
- `step_calls(subject)`, if the component's methods are calls of a training step: it returns these
  calls, as the graph binds them without kernels, by the circumstances in which they differ;
- `example_data(subject)`, if other components stand for these: it yields `ExampleData`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from declnet.testing.checking import Check, calling
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
