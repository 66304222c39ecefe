"""One pytest item for each check of each example of a plugin's components."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from declnet import Component
from declnet.testing.cases import Case, ExpectedFailureError
from declnet.testing.checking import CheckFailed, CheckSkipped, ConformanceError
from declnet.testing.packages import components_of_classes, components_of_package


def component_tests(package_or_classes: str | Iterable[type[Component]]) -> Callable[..., None]:
    """Create the tests of a plugin, one for each check of each example of its components.

    In a test file: `test_components = component_tests("declnet_scale")`.

    Args:
        package_or_classes: a package with a `declnet_register` hook (or its entry point or
            distribution), or component classes.

    Returns:
        A parametrized test function; an item's id is e.g. `layer:scale[0]-gradient_of_inputs`.

    Raises:
        ConformanceError: there is nothing to check.
        RegistryError: there is no such plugin.
    """
    import pytest

    if isinstance(package_or_classes, str):
        components = components_of_package(package_or_classes)
    else:
        components = components_of_classes(package_or_classes)
    cases = [case for _, group in components for case in group]
    if not cases:
        raise ConformanceError(f"{package_or_classes} has no components: there is nothing to check")

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in cases])
    def test_components(case: Case) -> None:
        """Run one check of one example."""
        __tracebackhide__ = True
        try:
            case.run()
        except ExpectedFailureError as failure:
            pytest.xfail(str(failure))
        except CheckSkipped as reason:
            pytest.skip(str(reason))
        except CheckFailed as failure:
            if failure.__cause__ is not None:
                raise
            pytest.fail(str(failure), pytrace=False)

    return test_components
