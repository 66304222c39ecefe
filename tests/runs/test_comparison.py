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


def test_the_table_leaves_out_defaults_of_what_only_some_runs_have(document, changed, tmp_path):
    dense = {"type": "dense", "units": 2, "use_bias": False, "weight_initializer": "he_normal"}
    adam = {"type": "adam", "beta_1": 0.8}
    other = {"model.layers": [dense, *document["model"]["layers"]], "optimizer": adam}
    for number, each in enumerate(({"optimizer": {"type": "sgd"}}, other)):
        run(parse_spec(changed(document, each)), out=tmp_path / f"run-{number}")
    found = open_run(tmp_path / "run-0").compare(open_run(tmp_path / "run-1"))
    layers = "model.layers.dense"
    assert {key for key in found.table().columns if key.startswith(("model.", "optimizer."))} == {
        "model.layers",
        f"{layers}_1.units",
        f"{layers}_1.use_bias",
        f"{layers}_1.weight_initializer.type",
        f"{layers}_2.units",
        f"{layers}_3.type",
        f"{layers}_3.units",
        "optimizer.type",
        "optimizer.learning_rate",  # of both, with defaults that differ
        "optimizer.beta_1",
    }
    assert {f"{layers}_3.use_bias", "optimizer.beta_2"} <= found.differences.keys()
