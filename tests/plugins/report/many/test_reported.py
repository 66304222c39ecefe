"""How the page of many runs reads a folder."""

from __future__ import annotations

import json

import pytest

import declnet
from declnet import OutputError, open_group
from declnet_plugins.report.many.reported import is_compared, main_metric, read_runs
from declnet_plugins.report.page.assembling import assemble


def write_run(path, seed, rate, accuracy, **manifest):
    path.mkdir(parents=True)
    better = {"loss": "lower", "accuracy": "higher", "size": None}
    content = {"status": "finished", "started": "", "seconds": 2.5, "better": better} | manifest
    (path / "manifest.json").write_text(json.dumps(content))
    metrics = {"test": {"loss": 0.5, "accuracy": accuracy, "size": 3}}
    (path / "metrics.json").write_text(json.dumps(metrics))
    (path / "spec.toml").write_text(
        f'name = "s-{rate}"\nseed = {seed}\n[optimizer]\nlearning_rate = {rate}\ntype = "sgd"\n'
    )


@pytest.fixture
def runs(tmp_path):
    for rate in (0.1, 0.2):
        for seed in (0, 1):
            write_run(tmp_path / f"s-{rate}" / f"seed-{seed}", seed, rate, rate + seed / 10)
    return tmp_path


def test_values_of_any_folder_are_the_keys_that_differ_between_specs(runs):
    first, *_, last = read_runs(runs)
    assert (first.name, first.status, first.seconds) == ("s-0.1/seed-0", "finished", 2.5)
    assert first.values == {"seed": 0, "optimizer.learning_rate": 0.1}
    assert last.values == {"seed": 1, "optimizer.learning_rate": 0.2}
    assert first.metrics == {"test.loss": 0.5, "test.accuracy": 0.1, "test.size": 3}
    assert first.better == {"test.loss": "lower", "test.accuracy": "higher"}
    assert first.history == runs / "s-0.1" / "seed-0" / "history.jsonl"
    assert main_metric([first, last]) == "test.accuracy"
    assert main_metric([first, last], "test.loss") == "test.loss"
    assert main_metric([first, last], "test.unknown") == "test.accuracy"


def test_values_of_a_sweep_are_the_keys_that_it_varies(runs):
    tasks = [
        {"folder": f"s-{rate}/seed-{seed}", "changes": {"variables.rate": rate}, "seed": seed}
        for rate in (0.1, 0.2)
        for seed in (0, 1)
    ]
    specs = [{"document": {}, "folder": "/"}]
    content = {"kind": "sweep", "name": "s", "specs": specs, "tasks": tasks}
    (runs / "group.json").write_text(json.dumps(content))
    result = [run.values for run in read_runs(runs)]
    assert result[1] == {"variables.rate": 0.1, "seed": 1}
    assert result[2] == {"variables.rate": 0.2, "seed": 0}


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(OutputError, match="there is no such folder"):
        read_runs(tmp_path / "absent")


def test_a_study_has_the_page_of_many_runs_unless_its_trials_are_one_model(document, tmp_path):
    document["data"]["validation"] = 0.3
    space = {"optimizer.learning_rate": {"low": 0.1, "high": 0.2}}
    tune = {"trials": 1, "search": "random", "space": space}
    for name, weights in {"best": {}, "weighted": {"weights": "selected"}}.items():
        declnet.tune({**document, "tune": {**tune, **weights}}, out=tmp_path / name)
    assert is_compared(tmp_path / "best", 1)
    assert not is_compared(tmp_path / "weighted", 60)
    group = open_group(tmp_path / "weighted")
    page = assemble([*group.runs], group.registry, [group])
    (together,) = page.together
    assert together.note.startswith(f"The {len(group.runs)} models of weighted together")
    assert [table.columns[0] for table in together.tables][1:] == ["member", "trial"]
    group.note(weights=None)
    assert is_compared(tmp_path / "weighted", 1)
