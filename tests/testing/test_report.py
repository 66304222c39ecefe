"""What a report counts, and when it raises."""

import inspect
from pathlib import Path

import pytest

from declnet import DeclnetError
from declnet.testing import ConformanceError, Outcome, Report, check_component

from .broken_components.memory import ClipsItsInput
from .broken_components.results import HalvedInputGradient
from .right.layers import Rectifier
from .right.losses import SparseCrossentropy

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


def test_a_class_that_cannot_be_registered_fails():
    class Untyped(Rectifier):
        """y = max(x, 0)."""

        type = ""

    report = check_component(Untyped, raise_on_failure=False)
    assert [outcome.check for outcome in report.failed] == ["can_be_registered"]


class Raises(Rectifier):
    """y = max(x, 0)."""

    type = "raises"

    def forward(self, x, y, state):
        raise RuntimeError("out of order")


class ReturnsNone(Rectifier):
    """y = max(x, 0)."""

    type = "returns_none"

    def output_shape(self, input_shape):
        return None


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Raises, "is_deterministic", "forward raised RuntimeError: out of order"),
        (
            ReturnsNone,
            "declares_what_the_graph_allocates",
            "output_shape() returned None, not a tuple of integers",
        ),
    ],
)
def test_a_fault_in_a_method_is_reported_with_its_place(cls, check, message):
    (failure,) = check_component(cls, raise_on_failure=False).failed
    source, first = inspect.getsourcelines(cls)
    line = next(i for i, text in enumerate(source, first) if "def " in text) + (cls is Raises)
    assert failure.check == check
    assert f"{message} (" in failure.message
    assert failure.message.endswith(f"{Path(__file__).name}:{line})")


def test_one_cause_is_reported_once():
    report = check_component(ClipsItsInput, raise_on_failure=False)
    (failure,) = report.failed
    assert failure.check == "leaves_inputs_alone"
    assert "forward writes to x, which it may only read" in failure.message
    assert "broken_components/memory.py:" in failure.message
    same = [each for each in report.skipped if each.as_in == failure.label]
    assert len(same) > 10
    assert all("fails in the same way" in each.message for each in same)
    lines = str(report).splitlines()
    assert lines[-2] == f"{failure} ({len(same)} more checks fail in the same way)"
    assert "gradient_of_inputs" not in str(report)


def test_one_cause_in_several_examples_is_reported_once():
    class Broken(SparseCrossentropy):
        """losses = 0."""

        type = "broken"

        def backward(self, y_pred, y_true, dy_pred):
            raise RuntimeError("out of order")

    report = check_component(Broken, raise_on_failure=False)
    (failure,) = report.failed
    assert failure.example == 0
    assert {each.example for each in report.skipped if each.as_in} == {0, 1}
