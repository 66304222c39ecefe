"""What a report counts, and when it raises."""

import pytest

from declnet import DeclnetError
from declnet.testing import ConformanceError, Outcome, Report, check_component

from .right.layers import Rectifier
from .zoo.gradients import HalvedInputGradient

PASSED = Outcome("layer:scale", 0, "is_right", "passed")
FAILED = Outcome("layer:scale", 1, "is_left", "failed", "it is not")
SKIPPED = Outcome("loss:sum", 0, "is_up", "skipped", "no matter")


def test_counts():
    report = Report("declnet_scale", (PASSED, FAILED, SKIPPED))
    assert report.counts == {"run": 2, "passed": 1, "failed": 1, "skipped": 1}
    assert (report.passed, report.failed, report.skipped) == ((PASSED,), (FAILED,), (SKIPPED,))
    assert report.components == ("layer:scale", "loss:sum")
    assert report.summary() == "declnet_scale: 2 checks run, 1 passed, 1 failed, 1 skipped"


def test_the_text_has_what_failed_what_was_skipped_and_the_counts():
    text = str(Report("declnet_scale", (PASSED, FAILED, SKIPPED)))
    assert text.splitlines() == [
        "loss:sum[0] is_up skipped: no matter",
        "layer:scale[1] is_left failed: it is not",
        "declnet_scale: 2 checks run, 1 passed, 1 failed, 1 skipped",
    ]


@pytest.mark.parametrize("outcomes", [(), (SKIPPED,)])
def test_zero_checks_run_is_a_failure(outcomes):
    report = Report("declnet_scale", outcomes)
    assert not report.succeeded
    with pytest.raises(ConformanceError, match="no check was run"):
        report.raise_for_failures()


def test_skipped_checks_do_no_harm():
    report = Report("declnet_scale", (PASSED, SKIPPED))
    assert report.succeeded
    report.raise_for_failures()


def test_an_error_lists_every_fault_and_is_of_both_families():
    report = Report("declnet_scale", (FAILED, PASSED, Outcome("layer:scale", 0, "b", "failed")))
    with pytest.raises(ConformanceError) as caught:
        report.raise_for_failures()
    assert "layer:scale[1] is_left failed: it is not" in str(caught.value)
    assert "layer:scale[0] b failed" in str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, DeclnetError)


def test_a_class_and_an_instance_are_checked_alike():
    by_class, by_instance = check_component(Rectifier), check_component(Rectifier())
    assert by_class.outcomes == by_instance.outcomes


def test_failures_can_be_returned_instead_of_raised():
    report = check_component(HalvedInputGradient, raise_on_failure=False)
    (wrong,) = (each for each in report.failed if each.check == "gradient_of_inputs")
    assert "off by the factor 1/2" in wrong.message


def test_a_class_that_cannot_be_built_has_no_check_run():
    class Needy(Rectifier):
        """y = max(x, 0)."""

        type = "needy"
        slope: float

    with pytest.raises(ConformanceError, match="declare examples"):
        check_component(Needy)


def test_a_class_that_cannot_be_registered_fails():
    class Untyped(Rectifier):
        """y = max(x, 0)."""

        type = ""

    report = check_component(Untyped, raise_on_failure=False)
    assert [outcome.check for outcome in report.failed] == ["can_be_registered"]


def test_an_exception_of_a_component_is_a_failed_check_with_its_place():
    class Broken(Rectifier):
        """y = max(x, 0)."""

        type = "broken"

        def forward(self, x, y, state):
            raise RuntimeError("out of order")

    report = check_component(Broken, raise_on_failure=False)
    message = next(each.message for each in report.failed if each.check == "is_deterministic")
    assert message.startswith("forward raised RuntimeError: out of order (test_report.py, line ")
