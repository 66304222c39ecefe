"""Results that differ in another process: by hashes of strings, by the day, by the user."""

import getpass
import sys
import time
from pathlib import Path

import pytest

from declnet import Regularizer
from declnet.testing import CheckFailed, Subject, require_same_in_another_process


class Nothing(Regularizer):
    """penalty = 0."""

    type = "nothing"

    def penalty(self, w):
        return 0.0

    def add_gradient(self, w, dw):
        pass


def results(subject):
    """Return results that differ, except for the first."""
    return {
        "the type": subject.instance.type,
        "a hash": hash("text"),
        "the day": time.strftime("%d"),
        "the user": getpass.getuser(),
    }


def results_without_user(subject):
    """Return a result that does not differ."""
    return {"the type": subject.instance.type}


@pytest.mark.skipif(
    not {"", str(Path(__file__).parents[2])} & {*sys.path},
    reason="no tests by name",
)
def test_results_that_depend_on_the_process_are_named():
    with pytest.raises(CheckFailed, match=r"process a hash, the day, the user would .*; sort"):
        require_same_in_another_process(Subject(Nothing()), results, "sort")


def test_only_the_first_example_of_an_importable_class_is_compared():
    require_same_in_another_process(Subject(Nothing()), results_without_user, "")
    require_same_in_another_process(Subject(Nothing(), 1), results, "")
    nameless = type("Nameless", (Nothing,), {"type": "nameless", "__doc__": "Nothing."})
    require_same_in_another_process(Subject(nameless()), results, "")
