"""`--shard`: the shards of a sweep, or of seeds and folds, copied together equal the whole."""

from __future__ import annotations

import shutil

import pytest

from declnet import open_group

from .conftest import bits, content


@pytest.fixture
def spec(spec_file, document):
    document["training"]["epochs"] = 1
    document["data"] |= {"folds": 2}
    rates = {"optimizer.learning_rate": [0.1, 0.5], "seed": [1, 2]}
    return spec_file({**document, "sweep": rates})


def summary(folder):
    group = content(folder / "summary.json")
    return sorted(
        (spec["name"], run["folder"], run["metrics"]["train"]["loss"])
        for spec in group["specs"]
        for run in spec["runs"]
    )


def merged(tmp_path, names):
    for name in names:
        shutil.copytree(tmp_path / name, tmp_path / "all", dirs_exist_ok=True)
    return tmp_path / "all"


def test_shards_copied_together_are_the_sweep(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "whole")
    trained = []
    for number in (1, 2, 3):
        out = f"part-{number}"
        declnet_cli.succeeds("sweep", spec, "--quiet", "--shard", f"{number}/3", "--out", out)
        trained.append({name for name in bits(tmp_path / out) if "metrics.json" in name})
        declnet_cli.succeeds("resume", out, "--quiet")  # its own runs alone, which have finished
        assert {name for name in bits(tmp_path / out) if "metrics.json" in name} == trained[-1]
    assert sum(map(len, trained)) == len(set.union(*trained)) == 8
    assert all(trained)

    folder = merged(tmp_path, ["part-1", "part-3"])
    said = declnet_cli("sweep", "all").stderr
    assert f"{len(trained[1])} of 8 runs have not finished" in said
    shutil.copytree(tmp_path / "part-2", folder, dirs_exist_ok=True)
    ensemble = open_group(folder / "small-learning_rate=0.5")
    assert ensemble.evaluate().metrics  # before anything else is done with the folder
    declnet_cli.succeeds("sweep", "all")
    assert bits(folder) == bits(tmp_path / "whole")
    assert summary(folder) == summary(tmp_path / "whole")
    assert content(folder / "group.json")["status"] == "finished"
    part, whole = (
        content(parent / "small-learning_rate=0.5/group.json")
        for parent in (folder, tmp_path / "whole")
    )
    assert part == whole | {"manifests": part["manifests"]}


def test_resume_trains_the_runs_of_a_lost_shard(declnet_cli, spec, tmp_path):
    words = ("--set", "sweep={}", "--seeds", "0..2", "--quiet")
    declnet_cli.succeeds("run", spec, *words, "--out", "whole")
    for number in (1, 2, 3):
        shard = ("--shard", f"{number}/3", "--out", f"part-{number}")
        declnet_cli.succeeds("run", spec, *words, *shard)
        assert content(tmp_path / f"part-{number}/group.json").get("status") is None
    folder = merged(tmp_path, ["part-3", "part-1"])
    declnet_cli.succeeds("resume", "all", "--quiet")
    assert bits(folder) == bits(tmp_path / "whole")
    assert content(folder / "group.json")["status"] == "finished"


def test_a_shard_may_have_no_runs(declnet_cli, spec, tmp_path):
    for number in range(1, 4):  # two runs, so one of three shards at least is empty
        out = f"part-{number}"
        words = ("--set", "sweep={}", "--shard", f"{number}/3")
        said = declnet_cli.succeeds("run", spec, *words, "--out", out, "--quiet")
        assert ("this shard has no runs" in said) == (
            not bits(tmp_path / out).keys() - {"spec.toml"}
        )
    assert "not a shard" in declnet_cli("run", spec, "--shard", "3").stderr
    said = declnet_cli("run", spec, "--set", "sweep={}", "--set", "data.fold=1", "--shard", "1/2")
    assert "several runs" in said.stderr
