"""Each shipped spec checks, and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from declnet import load_spec, run
from declnet.training.checks.check import check_spec

SPECS = Path(__file__).parent.parent / "specs"
FILES = sorted(
    each.relative_to(SPECS)
    for each in SPECS.rglob("*")
    if each.suffix in (".toml", ".json") and not each.name.endswith(".schema.json")
)


def test_the_promised_specs_are_there():
    names = {str(each) for each in FILES}
    optimizers = ("sgd", "sgd_momentum", "adagrad", "rmsprop", "adam")
    assert names >= {"spiral_adam.toml", *(f"optimizers/{each}.toml" for each in optimizers)}
    assert any(each.suffix == ".json" for each in FILES)
    assert any(load_spec(SPECS / each).training.batch_size for each in FILES)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_spec_checks_and_runs(file, tmp_path):
    if load_spec(SPECS / file).data.train.type == "sklearn":
        pytest.importorskip("sklearn", reason="the extra sklearn is not installed")
    assert check_spec(load_spec(SPECS / file)).problems == ()
    result = run(load_spec(SPECS / file, {"training.epochs": 2}), out=tmp_path / "out")
    assert [row["epoch"] for row in result.history] == [0, 1]
    assert set(result.metrics) >= {"train"}


@pytest.mark.parametrize("file", [each for each in FILES if each.parts[0] == "optimizers"], ids=str)
def test_specs_of_the_comparison_differ_in_their_optimizers_alone(file):
    ours, first = (
        load_spec(SPECS / each).model_dump(exclude={"name", "optimizer"})
        for each in (file, "optimizers/sgd.toml")
    )
    assert ours == first


def test_the_main_run_reaches_the_accuracy_of_the_reference(declnet_cli, tmp_path):
    spec = SPECS / "spiral_adam.toml"
    done = declnet_cli("run", spec, "--quiet", "--out", "out")
    assert done.returncode == 0, done.stderr  # which may say that kernels were compiled
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 0.82 <= metrics["test"]["accuracy"] <= 0.90
