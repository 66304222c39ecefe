"""`component_tests` gives one test per check; expected failures are strict."""

from types import MappingProxyType

import pytest

from declnet.testing import ConformanceError, check_component, component_tests

from .right.layers import Rectifier
from .test_examples import WrongExample

ITEMS = """
from declnet.testing import component_tests

test_components = component_tests("declnet_scale")
"""


def items(components):
    """Return the parameters of the generated test by id."""
    (mark,) = component_tests(components).pytestmark
    return {parameter.id: parameter for parameter in mark.args[1]}


def test_items_run_in_pytest(plugin):
    source = plugin.write("declnet_scale", factor=2)
    expected = 'expected_failures = {"gradient_of_inputs": "known", "is_frozen": "thawed"}'
    source.write_text(source.read_text().replace("examples =", f"{expected}\n    examples ="))
    (plugin.folder / "test_it.py").write_text(ITEMS)
    options = ("-p", "no:cacheprovider", "-v", "-rx")
    out = plugin.python("-m", "pytest", *options, "test_it.py").stdout
    name = "test_it.py::test_components[layer:scale[{}]-{}]"
    assert f"{name.format(0, 'is_deterministic')} PASSED" in out
    assert f"{name.format(0, 'gradient_of_parameters')} FAILED" in out
    assert f"{name.format(1, 'gradient_of_inputs')} XFAIL (fails as expected: known (dx" in out
    assert f"{name.format(0, 'is_frozen')} PASSED" in out
    assert f"{name.format(1, 'is_frozen')} FAILED" in out
    assert "it passes; remove it from expected_failures, where: thawed" in out
    assert "grad.weights for input shape (5,) is wrong" in out
    assert "off by the factor 1/2" in out
    assert "Traceback" not in out


def test_an_exception_of_a_component_keeps_its_traceback():
    class Broken(Rectifier):
        """y = max(x, 0)."""

        type = "broken"

        def forward(self, x, y, state):
            raise RuntimeError("out of order")

    (case,) = items([Broken])["layer:broken[0]-is_deterministic"].values
    with pytest.raises(AssertionError, match="out of order") as caught:
        component_tests([Broken])(case)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_expected_failures_apply_to_reports_too():
    class Thawed(Rectifier):
        """y = max(x, 0)."""

        type = "thawed"
        expected_failures = MappingProxyType({"is_frozen": "thawed", "is_fast": "slow"})

    first, second = check_component(Thawed, raise_on_failure=False).failed
    assert (first.check, second.check) == ("is_frozen", "expected_failures_are_checks")
    assert "is_fast" in second.message


@pytest.mark.parametrize("components", [[], "declnet_nothing"])
def test_invalid_arguments_raise(plugin, components):
    plugin.write("declnet_nothing", register="pass")
    with pytest.raises(ConformanceError, match="nothing to check"):
        component_tests(components)


def test_wrong_examples_are_items():
    parameters = items([WrongExample])
    assert "regularizer:wrong_example[1]-example_is_valid" in parameters
    assert "regularizer:wrong_example[0]-is_frozen" in parameters
    assert "regularizer:wrong_example[1]-is_frozen" not in parameters
