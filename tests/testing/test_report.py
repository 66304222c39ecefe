"""Reports: counts of outcomes, errors, and repeated causes."""

import inspect
from pathlib import Path

import pytest

from declnet import DeclnetError
from declnet.testing import ConformanceError, Outcome, Report, check_component

from .right.layers import Rectifier
from .right.losses import SparseCrossentropy

PASSED = Outcome("layer:scale", 0, "is_right", "passed")
FAILED = Outcome("layer:scale", 1, "is_left", "failed", "it is not")
SKIPPED = Outcome("loss:sum", 0, "is_up", "skipped", "no matter")


def test_a_report_counts_outcomes_and_lists_what_failed_or_was_skipped():
    report = Report("declnet_scale", (PASSED, FAILED, SKIPPED))
    assert report.counts == {"run": 2, "passed": 1, "failed": 1, "skipped": 1}
    assert (report.passed, report.failed, report.skipped) == ((PASSED,), (FAILED,), (SKIPPED,))
    assert report.components == ("layer:scale", "loss:sum")
    assert str(report).splitlines() == [
        "loss:sum[0] is_up skipped: no matter",
        "layer:scale[1] is_left failed: it is not",
        "declnet_scale: 2 checks run, 1 passed, 1 failed, 1 skipped",
    ]
    assert report.summary() == str(report).splitlines()[-1]


@pytest.mark.parametrize(
    ("outcomes", "errors"),
    [
        ((), ["no check was run"]),
        ((SKIPPED,), ["no check was run"]),
        ((PASSED, SKIPPED), []),
        (
            (FAILED, PASSED, Outcome("layer:scale", 0, "b", "failed")),
            ["layer:scale[1] is_left failed: it is not", "layer:scale[0] b failed"],
        ),
    ],
)
def test_an_error_lists_every_fault_and_is_an_assertion_error_too(outcomes, errors):
    report = Report("declnet_scale", outcomes)
    assert report.succeeded == (not errors)
    if not errors:
        report.raise_for_failures()
        return
    with pytest.raises(ConformanceError) as caught:
        report.raise_for_failures()
    assert all(error in str(caught.value) for error in errors)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, DeclnetError)


def test_a_class_and_an_instance_are_checked_equally():
    by_class, by_instance = check_component(Rectifier), check_component(Rectifier())
    assert by_class.outcomes == by_instance.outcomes


class Raises(Rectifier):
    """y = max(x, 0)."""

    type = "raises"

    def forward(self, x, y, state):
        raise RuntimeError("out of order")


class BreaksInBackward(SparseCrossentropy):
    """losses = 0."""

    type = "breaks_in_backward"

    def backward(self, y_pred, y_true, dy_pred):
        raise RuntimeError("out of order")


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Raises, "gradient_of_inputs", "forward raised RuntimeError: out of order"),
        (BreaksInBackward, "works_with_usual_data", "backward raised RuntimeError"),
    ],
)
def test_a_repeated_cause_is_reported_once_with_its_position(cls, check, message):
    report = check_component(cls, raise_on_failure=False)
    (failure,) = report.failed
    source, first = inspect.getsourcelines(cls)
    line = 1 + next(number for number, text in enumerate(source, first) if "def " in text)
    assert (failure.example, failure.check) == (0, check)
    assert message in failure.message
    assert f"{Path(__file__).name}:{line})" in failure.message
    same = [skipped for skipped in report.skipped if skipped.as_in == failure.label]
    assert all("fails in the same way" in skipped.message for skipped in same)
    assert {skipped.example for skipped in same} == set(range(len(cls.examples) or 1))
    assert len(same) > 10
    assert f"{failure} ({len(same)} more checks fail in the same way)" in str(report).splitlines()
    assert not any(skipped.check in str(report) for skipped in same if skipped.check != check)
