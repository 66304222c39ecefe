"""`declnet export`."""

from __future__ import annotations

import json
import runpy

import numpy as np
import pytest

import declnet

from .conftest import rows


@pytest.fixture
def trained(document, tmp_path):
    """A trained run, `run`, in the test's folder."""
    declnet.run(declnet.parse_spec(document), out=tmp_path / "run")
    return tmp_path


def test_what_was_translated_and_compared_is_printed(trained, declnet_cli, blobs):
    out = declnet_cli.succeeds("export", "run", "-o", "model.py")
    header, _, *parts, note, compared, last = rows(out)
    assert header == ["part", "component", "translation"]
    assert [each[:2] for each in parts] == [
        ['layer "dense_1"', "dense"],
        ['layer "relu_1"', "relu"],
        ['layer "dense_2"', "dense"],
        ['layer "softmax_1"', "softmax"],
        ["loss", "categorical_crossentropy"],
    ]
    assert parts[-1][2] == "none needed"
    assert "compared with declnet on 30 rows: largest difference" in out
    assert note[0].startswith("note: its samples are arrays")
    assert compared != last
    assert last[0].startswith("model.py: numpy, ")
    predict = runpy.run_path(str(trained / "model.py"))["predict"]
    own = declnet.load_predictor(trained / "run").predict(blobs[0])
    assert np.allclose(predict(blobs[0])["probabilities"], own.probabilities, atol=1e-12)


def test_json_is_one_object(trained, declnet_cli):
    found = json.loads(declnet_cli.succeeds("export", "run", "-o", "model.py", "--json"))
    assert found["files"] == ["model.py"]
    assert found["bytes"] == (trained / "model.py").stat().st_size
    assert found["difference"] < 1e-12
    assert found["parts"][0]["translation"] == "numpy_layers"


def test_the_best_of_several_runs_is_exported_if_it_is_wanted(document, tmp_path, declnet_cli):
    found = {}
    for number, rate in enumerate((0.01, 1.0)):
        document["optimizer"] = {"type": "sgd", "learning_rate": rate}
        found[number] = declnet.run(
            declnet.parse_spec(document), out=tmp_path / "runs" / str(number)
        ).metrics["train"]["accuracy"]
    best = max(found, key=lambda number: (found[number], -number))
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
        (["-o", "model.xyz"], "no installed format has this suffix", "known suffixes: "),
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


def test_a_sweep_and_a_spec_are_no_runs(trained, declnet_cli, tmp_path):
    (tmp_path / "spec.toml").write_text("declnet = 1\n")
    for wrong in ("spec.toml", "nothing", "."):
        done = declnet_cli("export", wrong, "-o", "model.py")
        assert done.returncode == 2
        assert "folder" in done.stderr
