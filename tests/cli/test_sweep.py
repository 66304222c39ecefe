"""`declnet sweep`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from statistics import mean, stdev

import pytest


def rows_of(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture
def specs(spec_file, document, tmp_path):
    """A folder of three specs that differ in their rates; `still` learns nothing."""
    (tmp_path / "specs").mkdir()
    document["training"]["epochs"] = 40
    for name, rate in (("still", 1e-5), ("slow", 0.01), ("fast", 0.5)):
        document["name"] = name
        document["optimizer"]["learning_rate"] = rate
        spec_file(document, f"specs/{name}.json")
    return tmp_path / "specs"


def test_specs_are_compared_by_the_mean_of_their_first_metric(declnet_cli, specs, tmp_path):
    out = declnet_cli.succeeds("sweep", "specs", "--seeds", "0..2", "--jobs", "2", "--quiet")
    assert out.startswith("train.accuracy\n")
    assert list(rows_of(out))[3:6] == ["fast", "slow", "still"]
    for name in ("fast", "slow", "still"):
        folder = tmp_path / "runs/sweep-1" / name
        values = [
            json.loads((folder / f"seed-{seed}/metrics.json").read_text())["train"]["accuracy"]
            for seed in range(3)
        ]
        found = rows_of(out)[name]
        expected = [mean(values), stdev(values), min(values), max(values)]
        assert found[0] == "3"
        assert list(map(float, found[1:5])) == pytest.approx(expected, rel=1e-3, abs=1e-9)
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["figures"]["train"]["accuracy"]["mean"] == pytest.approx(mean(values))
    whole = json.loads((tmp_path / "runs/sweep-1/summary.json").read_text())
    assert whole["figure"] == "train.accuracy"
    assert [each["name"] for each in whole["specs"]] == ["fast", "slow", "still"]
    assert re.fullmatch(r"\d+\.\d\d s, runs/sweep-1", out.splitlines()[-1])


def test_a_loss_is_best_where_it_is_smallest(declnet_cli, specs):
    options = ["--seeds", "0", "--metric", "loss", "--quiet"]
    out = declnet_cli.succeeds("sweep", *sorted(specs.iterdir(), reverse=True), *options)
    assert out.startswith("train.loss\n")
    assert list(rows_of(out))[3:6] == ["fast", "slow", "still"]


def test_validation_figures_come_before_training_figures(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "data.validation=0.5", "--quiet"]
    assert declnet_cli.succeeds("sweep", "specs", *options).startswith("validation.accuracy\n")
    out = declnet_cli.succeeds("sweep", "specs", *options, "--metric", "train.accuracy")
    assert out.startswith("train.accuracy\n")


def test_a_spec_whose_runs_fail_comes_last(declnet_cli, specs):
    text = (specs / "fast.json").read_text()
    (specs / "fast.json").write_text(text.replace('"learning_rate": 0.5', '"learning_rate": 1e200'))
    done = declnet_cli("sweep", "specs", "--seeds", "0..1", "--quiet")
    assert done.returncode == 1
    assert list(rows_of(done.stdout))[3:6] == ["slow", "still", "fast"]
    assert rows_of(done.stdout)["fast"][:2] == ["0 of 2", "-"]
    assert done.stderr.count("error: fast, seed ") == 2


def test_a_sweep_without_a_finished_run_says_so(declnet_cli, specs):
    options = ["--seeds", "0", "--set", "optimizer.learning_rate=1e200", "--quiet"]
    done = declnet_cli("sweep", "specs", *options)
    assert done.returncode == 1
    assert "no run finished" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["specs"], "Missing option '--seeds'"),
        (["specs", "--seeds", "0", "--metric", "accurac"], 'did you mean "accuracy"?'),
        (["specs", "--seeds", "0", "--metric", "proof.loss"], 'no spec has a metric "proof.loss"'),
        (["specs", "specs/fast.json", "--seeds", "0"], 'are both called "fast"'),
        (["empty", "--seeds", "0"], "there is no spec, .toml or .json, in this folder"),
        (["specs", "--seeds", "0", "--out", "specs"], "the output folder is not empty"),
        (["specs", "--seeds", "0", "--set", "training.epoch=1"], 'did you mean "epochs"?'),
        (["specs", "--seeds", "0", "--picture", "a.gif"], "ends in .png or .svg"),
        (["specs", "--seeds", "0", "--picture", "none/a.png"], "there is no folder none"),
        (["absent.toml", "--seeds", "0"], "there is no such file"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_trained(
    declnet_cli, specs, tmp_path, options, message
):
    (tmp_path / "empty").mkdir()
    done = declnet_cli("sweep", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_picture_needs_the_command_that_draws_it(declnet_cli, specs, tmp_path):
    declnet_cli.environment["DECLNET_DISABLE_PLUGINS"] = "plot"
    done = declnet_cli("sweep", "specs", "--seeds", "0", "--picture", "a.png")
    assert done.returncode == 2
    assert "--picture needs the command `plot`" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_one_of_its_kind(declnet_cli, specs, tmp_path, suffix):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    picture = tmp_path / f"sweep{suffix}"
    declnet_cli.succeeds("sweep", "specs", "--seeds", "0..1", "--picture", picture, "--quiet")
    later = tmp_path / f"later{suffix}"
    assert declnet_cli.succeeds("plot", "runs/sweep-1", "-o", later) == f"{later}: drawn\n"
    assert later.read_bytes() == picture.read_bytes()
    if suffix == ".svg":
        root = ET.parse(picture).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(root.iter())) > 100
        return
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    assert (width, 400 < height < 800) == (1540, True)
    assert 20_000 < picture.stat().st_size < 200_000
