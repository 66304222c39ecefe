"""One pytest item for each check of each example of a plugin's components."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from declnet import Component
from declnet.testing.cases import Case
from declnet.testing.checking import CheckFailed, CheckSkipped, ConformanceError
from declnet.testing.packages import cases_of_classes, cases_of_package


def component_tests(
    package_or_classes: str | Iterable[type[Component]],
    *,
    expected_failures: Mapping[str, str] | None = None,
    instances: Iterable[Component] = (),
) -> Callable[..., None]:
    """Create the tests of a plugin, one for each check of each example of its components.

    In a test file: `test_components = component_tests("declnet_scale")`.

    Args:
        package_or_classes: a package with a `declnet_register` hook (or its entry point or
            distribution), or component classes.
        expected_failures: a reason for each check that is known to fail, by
            `"layer:scale:check_name"`, or `"layer:scale[0]:check_name"` for one example. If such a
            check passes, its test fails.
        instances: more instances to check, e.g. of classes that cannot declare examples.

    Returns:
        A parametrized test function; an item's id is e.g. `layer:scale[0]-gradient_of_inputs`.

    Raises:
        ConformanceError: there is nothing to check, or an expected failure names no check.
        RegistryError: there is no such plugin.
    """
    import pytest

    if isinstance(package_or_classes, str):
        cases = list(cases_of_package(package_or_classes, instances))
    else:
        cases = list(cases_of_classes(package_or_classes, instances))
    if not cases:
        raise ConformanceError(f"{package_or_classes} has no components: there is nothing to check")
    reasons = dict(expected_failures or {})
    unknown = set(reasons).difference(*(_keys(case) for case in cases))
    if unknown:
        raise ConformanceError(f"expected_failures names no check: {', '.join(sorted(unknown))}")

    def parameter(case: Case) -> Any:
        reason = next((reasons[key] for key in _keys(case) if key in reasons), None)
        marks = () if reason is None else pytest.mark.xfail(reason=reason, strict=True)
        return pytest.param(case, id=case.label, marks=marks)

    @pytest.mark.parametrize("case", [parameter(case) for case in cases])
    def test_components(case: Case) -> None:
        """Run one check of one example."""
        __tracebackhide__ = True
        message = None
        try:
            case.run()
        except CheckSkipped as reason:
            pytest.skip(str(reason))
        except CheckFailed as failure:
            if failure.__cause__ is not None:
                raise
            message = str(failure)
        if message is not None:
            pytest.fail(message, pytrace=False)

    return test_components


def _keys(case: Case) -> tuple[str, str]:
    return (
        f"{case.component}[{case.example}]:{case.check}",
        f"{case.component}:{case.check}",
    )
