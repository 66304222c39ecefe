"""Runs side by side, for programs."""

from __future__ import annotations

import pytest

from declnet import open_run, parse_spec, run


@pytest.fixture
def runs(document, changed, tmp_path):
    """Three runs: the second learns nothing, the third does not evaluate `accuracy`."""
    changes = ({}, {"optimizer.learning_rate": 0.0}, {"training.metrics": [], "seed": 2})
    for number, change in enumerate(changes):
        run(parse_spec(changed(document, change)), out=tmp_path / f"run-{number}")
    return [open_run(tmp_path / f"run-{number}") for number in range(3)]


def test_runs_are_compared_by_spec_and_metrics(runs):
    comparison = runs[0].compare(*runs[1:])
    assert comparison.runs == tuple(runs)
    assert comparison.differences == {
        "optimizer.learning_rate": [0.1, 0.0, 0.1],
        "training.metrics.0.type": ["accuracy", "accuracy", None],
        "seed": [1, 1, 2],
    }
    accuracy = [compared.metrics["train"].get("accuracy") for compared in runs]
    assert comparison.metrics["train"]["accuracy"] == accuracy
    assert accuracy[2] is None
    assert comparison.best("train", "loss").metrics["train"]["loss"] == min(
        comparison.metrics["train"]["loss"]
    )
    assert comparison.best("train", "accuracy").metrics["train"]["accuracy"] == max(accuracy[:2])


def test_the_table_leaves_out_defaults_of_what_only_some_runs_have(document, changed, tmp_path):
    dense = {"type": "dense", "units": 2, "use_bias": False, "weight_initializer": "he_normal"}
    adam = {"type": "adam", "beta_1": 0.8}
    other = {"model.layers": [dense, *document["model"]["layers"]], "optimizer": adam}
    for number, change in enumerate(({"optimizer": {"type": "sgd"}}, other)):
        run(parse_spec(changed(document, change)), out=tmp_path / f"run-{number}")
    result = open_run(tmp_path / "run-0").compare(open_run(tmp_path / "run-1"))
    layers = "model.layers.dense"
    assert {key for key in result.table().columns if key.startswith(("model.", "optimizer."))} == {
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
    assert {f"{layers}_3.use_bias", "optimizer.beta_2"} <= result.differences.keys()
