"""Runs side by side, for programs."""

from __future__ import annotations

import pytest

from declnet import open_run, parse_spec, run


@pytest.fixture
def runs(document, changed, tmp_path):
    """Three runs: the second learns nothing, the third does not evaluate `accuracy`."""
    changes = ({}, {"optimizer.learning_rate": 0.0}, {"training.metrics": [], "seed": 2})
    for number, each in enumerate(changes):
        run(parse_spec(changed(document, each)), out=tmp_path / f"run-{number}")
    return [open_run(tmp_path / f"run-{number}") for number in range(3)]


def test_runs_are_compared_by_spec_and_metrics(runs):
    found = runs[0].compare(*runs[1:])
    assert found.runs == tuple(runs)
    assert found.differences == {
        "optimizer.learning_rate": [0.1, 0.0, 0.1],
        "training.metrics.0.type": ["accuracy", "accuracy", None],
        "seed": [1, 1, 2],
    }
    accuracy = [each.metrics["train"].get("accuracy") for each in runs]
    assert found.metrics["train"]["accuracy"] == accuracy
    assert accuracy[2] is None
    assert found.best("train", "loss").metrics["train"]["loss"] == min(
        found.metrics["train"]["loss"]
    )
    assert found.best("train", "accuracy").metrics["train"]["accuracy"] == max(accuracy[:2])
