from __future__ import annotations

import json
import re

import pytest

from declnet import parse_spec, run


def table(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture
def runs(declnet_cli, spec_file, document):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "one")
    adam = "optimizer={type='adam', learning_rate=0.01}"
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "two", "--set", adam)
    return "one", "two"


def test_what_differs_and_how_runs_ended_is_shown(declnet_cli, runs, tmp_path):
    found = table(declnet_cli.succeeds("compare", *runs))
    assert found["status"] == ["finished", "finished"]
    assert found["optimizer.type"] == ["sgd", "adam"]
    assert found["optimizer.learning_rate"] == ["0.1", "0.01"]
    assert found["optimizer.beta_1"] == ["-", "0.9"]
    assert "seed" not in found
    assert "training.epochs" not in found
    assert len(found["train.loss"]) == len(found["train.accuracy"]) == len(found["seconds"]) == 2


def test_one_run_is_shown_alone(declnet_cli, runs):
    assert table(declnet_cli.succeeds("compare", "one"))["status"] == ["finished"]


def test_a_run_that_did_not_finish_is_shown_too(declnet_cli, runs, tmp_path):
    (tmp_path / "two" / "metrics.json").unlink()
    found = table(declnet_cli.succeeds("compare", *runs))
    assert found["train.loss"][1] == "-"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: there is no such folder"),
        (["."], "this is not a run's folder"),
        ([], "Usage: "),
    ],
)
def test_what_is_no_run_is_refused(declnet_cli, arguments, message):
    done = declnet_cli("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_best_may_come_first(declnet_cli, runs, tmp_path):
    losses = {
        name: json.loads((tmp_path / name / "metrics.json").read_text())["train"]["loss"]
        for name in runs
    }
    best, other = sorted(losses, key=losses.get)
    for options, columns in ((["--sort", "loss"], [best, other]), ([], [other, best])):
        out = declnet_cli.succeeds("compare", other, best, *options)
        assert out.split()[:2] == columns
    done = declnet_cli("compare", *runs, "--sort", "acc")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no run has the metric "acc"' in done.stderr


@pytest.fixture
def distances(declnet_cli, spec_file, document):
    """Two runs with a metric whose name does not imply a direction; `near` is better."""
    document["model"]["layers"][2:] = [{"type": "dense", "units": 1}]
    document["loss"] = "mean_squared_error"
    document["training"]["metrics"] = [{"type": "mean_absolute_error", "name": "distance"}]
    document["optimizer"] = {"type": "adam", "learning_rate": 0.001}
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "far")
    more = ("--set", "optimizer.learning_rate=0.1", "--set", "training.epochs=30")
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "near", *more)
    return "far", "near"


def with_better(directory, better):
    """Write into a manifest which values are better, as current runs do."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text()) | {"better": better}
    if better is None:
        del manifest["better"]
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("better", [None, {"loss": "lower", "distance": "lower"}])
def test_the_direction_is_that_of_the_metric_whatever_it_is_called(
    declnet_cli, distances, tmp_path, better
):
    """First-format manifests do not record it, so it is looked up by type."""
    for each in distances:
        with_better(tmp_path / each, better)
    for options, columns in (
        (["--sort", "distance"], ["near", "far"]),
        (["--sort", "train.distance", "--descending"], ["far", "near"]),
        (["--sort", "distance", "--ascending"], ["near", "far"]),
    ):
        out = declnet_cli.succeeds("compare", *distances, *options)
        assert out.split()[:2] == columns


def test_a_metric_of_unknown_direction_needs_an_order(declnet_cli, distances, tmp_path):
    for each, better in zip(distances, ("lower", "higher"), strict=True):
        with_better(tmp_path / each, {"loss": "lower", "distance": better})
    done = declnet_cli("compare", *distances, "--sort", "distance")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'values of "distance" are better; add --ascending or --descending' in done.stderr
    for each in distances:
        with_better(tmp_path / each, {"loss": "lower", "distance": None})
    assert declnet_cli("compare", *distances, "--sort", "distance").returncode == 2
    out = declnet_cli.succeeds("compare", *distances, "--sort", "distance", "--ascending")
    assert out.split()[:2] == ["near", "far"]
    assert declnet_cli.succeeds("compare", *distances, "--sort", "loss")


def test_what_explains_most_is_above(declnet_cli, runs):
    rows = list(table(declnet_cli.succeeds("compare", *runs)))
    assert rows.index("optimizer.type") < rows.index("optimizer.learning_rate")
    assert rows.index("optimizer.learning_rate") < rows.index("optimizer.beta_1")
    assert rows.index("train.accuracy") < rows.index("train.loss")
    assert "train.regularization_loss" not in rows


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("manifest.json", "[]", "manifest.json: no JSON object"),
        ("manifest.json", "[" * 100_000, "manifest.json: "),
        ("metrics.json", "3", "metrics.json: no JSON object"),
        ("metrics.json", '{"train": 3}', "metrics.json: train is not a JSON object"),
        ("metrics.json", '{"train": {"loss": "x"}}', "metrics.json: train.loss is not a number"),
    ],
)
def test_a_damaged_run_is_told(declnet_cli, document, tmp_path, file, content, message):
    run(parse_spec(document), out=tmp_path / "one")
    (tmp_path / "one" / file).write_text(content)
    done = declnet_cli("compare", "one")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: one: cannot be read: {message}" in done.stderr
    assert "Traceback" not in done.stderr
