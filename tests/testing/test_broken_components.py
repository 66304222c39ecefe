"""Each broken component is caught by the check that is meant for its fault."""

import pytest

from declnet.testing import ConformanceError, check_component
from declnet.testing.catalogue import CHECKS_BY_KIND

from .broken_components import WRONG


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


def test_there_are_broken_components_of_every_kind():
    assert len(WRONG) >= 150
    assert {cls.kind for cls in WRONG} == set(CHECKS_BY_KIND)


def test_every_check_of_a_kind_catches_a_broken_component():
    named = {(cls.kind, check) for cls, check in WRONG.items()}
    meant = {check for _, check in named}
    for kind, checks in CHECKS_BY_KIND.items():
        for check in checks:
            assert (kind, check.name) in named or check.name in meant, (kind, check.name)
