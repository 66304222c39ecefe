"""`declnet export`."""

from __future__ import annotations

import json

import pytest

import declnet


@pytest.fixture
def trained(document, tmp_path):
    """A trained run, `run`, in the test's folder."""
    declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    return tmp_path


def test_json_is_one_object(trained, declnet_cli):
    described = json.loads(declnet_cli.succeeds("export", "run", "-o", "model.py", "--json"))
    assert described["files"] == ["model.py"]
    assert described["bytes"] == (trained / "model.py").stat().st_size
    assert described["difference"] < 1e-12
    assert described["parts"][0]["translation"] == "recorded"


def test_best_exports_the_best_of_several_runs(document, tmp_path, declnet_cli):
    accuracies = {}
    for number, rate in enumerate((0.01, 1.0)):
        document["optimizer"] = {"type": "sgd", "learning_rate": rate}
        accuracies[number] = declnet.run(
            declnet.parse_spec(document), out=tmp_path / "runs" / str(number)
        ).metrics["train"]["accuracy"]
    best = max(accuracies, key=lambda number: (accuracies[number], -number))
    done = declnet_cli("export", "runs", "-o", "model.py")
    assert done.returncode == 2
    assert (
        f"runs: a folder of several runs; --best takes runs/{best}, by train.accuracy"
        in done.stderr
    )
    done = declnet_cli("export", "runs", "-o", "model.py", "--best")
    assert done.returncode == 0
    assert f"the best run by train.accuracy: runs/{best}\n" in done.stderr
    (tmp_path / "empty").mkdir()
    assert "no finished run" in declnet_cli("export", "empty", "-o", "m.py", "--best").stderr
    assert "not a run's folder" in declnet_cli("export", "empty", "-o", "m.py").stderr


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["-o", "run/spec.toml"], "run/spec.toml: it exists already; nothing was written", None),
        (["-o", "m.xyz", "--format", "nump"], 'exporter type "nump" is not installed', None),
        (["-o", "model.py", "--set", "opset=17"], "opset: unknown key", "numpy has no options"),
    ],
)
def test_wrong_usage_has_one_error(trained, declnet_cli, arguments, message, hint):
    if arguments[1] == "run/spec.toml":
        arguments = [*arguments, "--format", "numpy"]
    done = declnet_cli("export", "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    first, *others = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert [f"  = help: {hint}" in line for line in others] == ([True] if hint else [])
    assert not (trained / "model.py").exists()
