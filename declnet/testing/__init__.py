"""The conformance kit for plugin authors.

`check_component(MyLayer)` verifies a component or lists what is wrong;
`test_components = component_tests("my_package")` creates a pytest item for each check.
"""

from declnet.testing.another_process import require_same_in_another_process
from declnet.testing.catalogue import ExampleData, checks_for, example_data
from declnet.testing.checking import (
    Check,
    CheckFailed,
    CheckSkipped,
    ConformanceError,
    Subject,
    called,
    calling,
    check,
    require_available,
)
from declnet.testing.examples import build_examples
from declnet.testing.isolation import check_package_in_subprocess
from declnet.testing.packages import check_component, check_package
from declnet.testing.pytest_items import component_tests
from declnet.testing.report import Outcome, Report

__all__ = [
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "ConformanceError",
    "ExampleData",
    "Outcome",
    "Report",
    "Subject",
    "build_examples",
    "called",
    "calling",
    "check",
    "check_component",
    "check_package",
    "check_package_in_subprocess",
    "checks_for",
    "component_tests",
    "example_data",
    "require_available",
    "require_same_in_another_process",
]
