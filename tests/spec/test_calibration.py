"""`[calibration]`: valid combinations of steps, and the loss that they belong to."""

from __future__ import annotations

import pytest

from declnet import Calibrator, SpecError, parse_spec
from declnet.testing.examples import registry_with


def problem_of(document, registry=None):
    with pytest.raises(SpecError) as raised:
        parse_spec(document, registry)
    (only,) = raised.value.problems
    return only.path, only.code, only.message


def test_steps_that_cannot_be_combined(document):
    class Sometimes(Calibrator):
        type = "sometimes"

        def fit(self, y_pred, y_true, task):
            return {}

        def sets(self, y_pred, state):
            return y_pred > 0.5

    document["calibration"] = {"steps": ["temperature", "conformal", "sometimes"]}
    problem = problem_of(document, registry_with([Sometimes]))
    message = '"sometimes" and "conformal" both give sets'
    assert problem == (("calibration", "steps", 2), "E017", message)


def test_at_the_top_it_belongs_to_the_only_loss(document):
    document["losses"] = {"only": document.pop("loss")}
    document["training"].pop("metrics")
    document["calibration"] = {"steps": ["temperature"]}
    assert problem_of(document)[:2] == (("calibration",), "E017")
    document["losses"] = {"only": {"type": "hinge", "calibration": document.pop("calibration")}}
    (head,) = parse_spec(document).heads
    assert [step.type for step in head.calibration.values()] == ["temperature"]
    assert head.calibration_path == ("losses", "only", "calibration", "steps")
