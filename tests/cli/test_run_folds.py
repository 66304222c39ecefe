"""`declnet run` of a spec with folds."""

from __future__ import annotations

import json
import re
from statistics import mean, stdev

import pytest

BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")


def rows_of(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture
def spec(spec_file, document):
    document["data"] |= {"folds": 3, "split": {"method": "stratified"}}
    document["training"] |= {"batch_size": 7, "epochs": 5}
    return spec_file(document)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_fold_gives_the_bits_of_a_run_of_its_own(declnet_cli, spec, tmp_path, jobs):
    declnet_cli.succeeds("run", spec, "--jobs", jobs, "--quiet")
    for fold in (1, 2, 3):
        alone, of_many = tmp_path / f"alone-{fold}", tmp_path / f"runs/small-folds-1/fold-{fold}"
        declnet_cli.succeeds("run", spec, "--set", f"data.fold={fold}", "--out", alone, "--quiet")
        again = tmp_path / f"again-{fold}"
        declnet_cli.succeeds("run", of_many / "spec.toml", "--out", again, "--quiet")
        for file in BITS:
            assert (alone / file).read_bytes() == (of_many / file).read_bytes()
            assert (again / file).read_bytes() == (of_many / file).read_bytes()
    both = [(tmp_path / f"alone-{fold}/metrics.json").read_bytes() for fold in (1, 2)]
    assert both[0] != both[1]


def test_the_table_has_the_mean_and_the_deviation_of_the_folds(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--out", "many")
    assert "small, seed 1, fold 2: validation, acc:" in out
    losses = [
        json.loads((tmp_path / f"many/fold-{fold}/metrics.json").read_text())["validation"]["loss"]
        for fold in (1, 2, 3)
    ]
    rows = rows_of(out[out.index(" fold ") :])
    column = rows["fold"].index("validation.loss")
    assert float(rows["mean"][column]) == pytest.approx(mean(losses), rel=1e-3)
    assert float(rows["standard deviation"][column]) == pytest.approx(stdev(losses), rel=1e-3)
    summary = json.loads((tmp_path / "many/summary.json").read_text())
    assert [(each["fold"], each["folder"]) for each in summary["runs"]] == [
        (1, "fold-1"),
        (2, "fold-2"),
        (3, "fold-3"),
    ]
    assert summary["figures"]["validation"]["loss"]["mean"] == pytest.approx(mean(losses))


def test_seeds_and_folds_multiply(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("run", spec, "--seeds", "4..5", "--out", "many", "--quiet")
    summary = json.loads((tmp_path / "many/summary.json").read_text())
    folders = [f"seed-{seed}/fold-{fold}" for seed in (4, 5) for fold in (1, 2, 3)]
    assert [each["folder"] for each in summary["runs"]] == folders
    assert summary["seeds"] == [4, 5]
    assert all((tmp_path / "many" / each / "weights.safetensors").exists() for each in folders)
    assert out.splitlines()[0].split()[:2] == ["seed", "fold"]


def test_a_sweep_takes_folds_too(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("sweep", spec, "--seeds", "4", "--out", "many", "--quiet")
    summary = json.loads((tmp_path / "many/small/summary.json").read_text())
    assert [each["folder"] for each in summary["runs"]] == [
        f"seed-4/fold-{fold}" for fold in (1, 2, 3)
    ]


def test_a_fold_resumes_and_predicts_as_any_run(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("run", spec, "--quiet")
    folder = tmp_path / "runs/small-folds-1/fold-2"
    assert "finished" in declnet_cli("resume", folder).stderr
    assert "validation" in declnet_cli.succeeds("evaluate", folder)


def test_jobs_need_something_to_share(declnet_cli, spec):
    done = declnet_cli("run", spec, "--set", "data.fold=1", "--jobs", "2")
    assert done.returncode == 2
    assert "--seeds or folds" in done.stderr
