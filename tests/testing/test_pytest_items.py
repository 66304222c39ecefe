"""component_tests: one readable item a check, with expected failures that are strict."""

import pytest

from declnet.testing import ConformanceError, component_tests

from .broken_components.declarations import WrongExample
from .right.layers import Rectifier

ONE_LINE = "from declnet.testing import component_tests\ntest_components = component_tests({})\n"
BOTH = "'layer:scale:gradient_of_inputs': 'known', 'layer:scale:gradient_of_parameters': 'known'"


def ids(function):
    (mark,) = function.pytestmark
    return [parameter.id for parameter in mark.args[1]]


def test_one_line_makes_an_item_of_each_check_of_each_example(plugin):
    plugin.write("declnet_scale")
    out = plugin.pytest(ONE_LINE.format("'declnet_scale'"), "-v")
    for example in (0, 1):
        name = f"test_it.py::test_components[layer:scale[{example}]-gradient_of_inputs]"
        assert f"{name} PASSED" in out
    assert "failed" not in out


def test_a_fault_is_one_item_that_says_what_to_do(plugin):
    plugin.write("declnet_scale", factor=2)
    out = plugin.pytest(ONE_LINE.format("'declnet_scale'"))
    assert "4 failed" in out
    assert "dx for input shape (5,) is wrong" in out
    assert "off by the factor 1/2" in out
    assert "Traceback" not in out


def test_an_expected_failure_is_no_failure(plugin):
    plugin.write("declnet_scale", factor=2)
    out = plugin.pytest(ONE_LINE.format(f"'declnet_scale', expected_failures={{{BOTH}}}"), "-rx")
    assert "4 xfailed" in out
    assert "failed," not in out.replace("xfailed,", "")
    assert "known" in out


def test_an_expected_failure_that_passes_fails(plugin):
    plugin.write("declnet_scale")
    out = plugin.pytest(ONE_LINE.format(f"'declnet_scale', expected_failures={{{BOTH}}}"))
    assert "4 failed" in out
    assert "XPASS(strict)" in out


def test_an_expected_failure_of_one_example(plugin):
    plugin.write("declnet_scale", factor=2)
    one = BOTH.replace("scale:", "scale[1]:")
    out = plugin.pytest(ONE_LINE.format(f"'declnet_scale', expected_failures={{{one}}}"))
    assert "2 failed" in out
    assert "2 xfailed" in out


def test_an_exception_of_a_component_keeps_its_traceback(plugin):
    plugin.write("declnet_scale")
    path = plugin.folder / "declnet_scale.py"
    path.write_text(path.read_text().replace("np.multiply(x,", "np.multiplied(x,"))
    out = plugin.pytest(ONE_LINE.format("'declnet_scale'"), "-k", "is_deterministic", "--tb=long")
    assert "np.multiplied(x" in out
    assert "AttributeError" in out


def test_an_expected_failure_that_names_no_check_raises():
    with pytest.raises(ConformanceError, match="layer:rectifier:is_fast"):
        component_tests([Rectifier], expected_failures={"layer:rectifier:is_fast": "slow"})


def test_an_empty_collection_raises():
    with pytest.raises(ConformanceError, match="nothing to check"):
        component_tests([])


def test_a_package_without_components_raises(plugin):
    plugin.write("declnet_nothing", register="pass")
    with pytest.raises(ConformanceError, match="nothing to check"):
        component_tests("declnet_nothing")


def test_instances_are_checked_besides_examples():
    found = ids(component_tests([Rectifier], instances=[Rectifier(name="other")]))
    assert "layer:rectifier[0]-gradient_of_inputs" in found
    assert "layer:rectifier[1]-gradient_of_inputs" in found
    assert len(set(found)) == len(found)


def test_an_instance_of_another_class_raises():
    with pytest.raises(ConformanceError, match="WrongExample"):
        component_tests([Rectifier], instances=[WrongExample()])


def test_a_wrong_example_is_an_item_and_others_go_on():
    found = ids(component_tests([WrongExample]))
    assert "regularizer:wrong_example[1]-example_is_valid" in found
    assert "regularizer:wrong_example[0]-is_frozen" in found
    assert "regularizer:wrong_example[1]-is_frozen" not in found
