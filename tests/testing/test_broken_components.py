"""Each wrong component of the zoo is caught by the check that is meant for its fault."""

import pytest

from declnet.testing import ConformanceError, check_component

from .zoo import WRONG


@pytest.mark.parametrize(
    ("cls", "check"), WRONG.items(), ids=lambda each: getattr(each, "type", each)
)
def test_the_check_that_is_meant_for_it_catches_each_fault(cls, check):
    report = check_component(cls, raise_on_failure=False)
    assert check in {outcome.check for outcome in report.failed}
    broken = [str(outcome) for outcome in report.failed if "the check itself" in outcome.message]
    assert broken == []
    assert all(outcome.message for outcome in report.failed)


@pytest.mark.parametrize("cls", WRONG, ids=lambda cls: cls.type)
def test_a_fault_raises(cls):
    with pytest.raises(ConformanceError, match=WRONG[cls]):
        check_component(cls)


def test_the_zoo_is_large_and_of_every_kind():
    assert len(WRONG) >= 24
    kinds = {"layer", "loss", "fusion", "regularizer", "optimizer", "initializer"}
    assert {cls.kind for cls in WRONG} >= kinds | {"schedule", "metric", "data_source", "transform"}
