from __future__ import annotations

import re

import pytest


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
        (["."], "this is no run's folder"),
        ([], "Usage: "),
    ],
)
def test_what_is_no_run_is_refused(declnet_cli, arguments, message):
    done = declnet_cli("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
