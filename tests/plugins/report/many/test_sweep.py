"""The charts of a sweep, whose runs are in its journal only."""

from __future__ import annotations

import json
import math

import pytest

from declnet import Outcome, OutputError, Task, parse_spec, run
from declnet.runs.many.group_file import GroupFile, StoredSpec
from declnet.runs.many.journal import StoredJournal
from declnet.spec.model import resolved_document
from declnet_plugins.report.many.sweep import is_sweep, sweep_charts


@pytest.fixture
def write_sweep(document, tmp_path):
    """Return a function that writes a sweep: specs with metrics by run, None for a failed run."""

    def write(metric, specs, values=None):
        base = StoredSpec.from_document(resolved_document(parse_spec(document)), tmp_path)
        tasks, outcomes = [], []
        for name, all_metrics in specs.items():
            changes = (values or {}).get(name, {})
            for seed, metrics in enumerate(all_metrics):
                folder = f"{name}/seed-{seed}"
                tasks.append(Task(folder, changes, seed, point=name, name=name))
                error = "DivergenceError" if metrics is None else None
                outcomes.append(Outcome(name, seed, tmp_path / folder, metrics or {}, 1.0, error))
        file = GroupFile(kind="sweep", name="s", specs=(base,), tasks=tuple(tasks), metric=metric)
        file.write(tmp_path)
        journal = StoredJournal(tmp_path, {task.folder: task for task in tasks}, writes=True)
        for task, outcome in zip(tasks, outcomes, strict=True):
            journal.ask(task)
            journal.end(task, outcome)
        return tmp_path

    return write


@pytest.fixture
def folder(write_sweep, document, changed):
    """A sweep of two specs; one run failed, one has no metric."""
    first = {"train": {"loss": 1.5}, "test": {"loss": 2.0}}
    last = {"train": {"loss": 0.5}, "test": {"loss": math.nan}}
    folder = write_sweep("test.loss", {"slow": [first, None, last], "failed": [None]})
    for seed, losses in (("0", [3.0, 2.0, 1.5]), ("2", [1.0, None, 0.5, 0.25])):
        path = folder / "slow" / f"seed-{seed}"
        run(parse_spec(changed(document, {"training.epochs": 1})), out=path)
        manifest = json.loads((path / "manifest.json").read_text())
        del manifest["files"]
        (path / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
        rows = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses)]
        (path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_the_runs_that_finished_are_drawn_by_spec_with_their_losses(folder):
    assert is_sweep(folder)
    metrics, losses = sweep_charts(folder)
    assert metrics.spec["data"]["values"] == [
        {"spec": "slow", "metric": 2.0, "training": 1.5, "row": "slow"}
    ]
    assert (metrics.title, "ring" in metrics.note) == ("Final test loss", True)
    area, line, *_ = losses.spec["layer"]
    assert (area["mark"]["type"], line["mark"]["type"]) == ("area", "line")
    ranges = [(row["x"], row["y"], row["top"]) for row in area["data"]["values"]]
    assert ranges == [(0, 1.0, 3.0), (2, 0.5, 1.5)]  # epochs that all runs logged
    medians = [(point["x"], point["y"]) for point in losses.spec["data"]["values"]]
    assert medians == [(0, 2.0), (2, 1.0)]
    metrics, _ = sweep_charts(folder, "train.loss")
    assert [row["metric"] for row in metrics.spec["data"]["values"]] == [1.5, 0.5]
    assert (metrics.title, "ring" in metrics.note) == ("Final train loss", False)


def test_charts_that_cannot_be_drawn_are_reported(folder):
    lines = (folder / "journal.jsonl").read_bytes().splitlines(True)
    (folder / "journal.jsonl").write_bytes(lines[0])
    with pytest.raises(OutputError, match="no run finished, so nothing can be drawn"):
        sweep_charts(folder)
    (folder / "journal.jsonl").write_bytes(b"{}\n")
    with pytest.raises(OutputError, match="line 1: is not an entry of a journal"):
        sweep_charts(folder)


TABLE = {"type": "sgd", "momentum": 0.9}
POINTS = [
    ({"optimizer": "adam", "training.epochs": 10, "seed": 1}, 0.5),
    ({"optimizer": TABLE, "training.epochs": 10, "model.layers.0.name": "a$b$", "seed": 1}, 0.75),
    ({"optimizer": TABLE, "training.epochs": 1, "model.layers.0.name": "c", "seed": 1}, 1.0),
]


def test_a_sweep_over_several_keys_is_drawn_by_key(write_sweep):
    specs = {f"s{at}": [{"train": {"loss": metric}}] for at, (_, metric) in enumerate(POINTS)}
    values = {f"s{at}": values for at, (values, _) in enumerate(POINTS)}
    specs["nan"] = [{"train": {"loss": math.nan}}]
    lines, *by_key = sweep_charts(write_sweep("train.loss", specs, values))
    assert lines.title == "3 specs, mean train loss of each"
    orders = {chart.title: chart.spec["encoding"]["y"]["scale"]["domain"] for chart in by_key}
    assert orders == {
        "optimizer": ["adam", "sgd, momentum = 0.9"],
        "training.epochs": ["1", "10"],
        "model.layers.0.name": ["(none)", "a$b$", "c"],
    }
    rows = [(row["row"], row["metric"]) for row in by_key[1].spec["data"]["values"]]
    assert rows == [("10", 0.5), ("10", 0.75), ("1", 1.0)]
    points = lines.spec["data"]["values"]
    labels = [(point["text"], point["label"]) for point in points if "label" in point]
    assert labels[3:6] == [("sgd, momentum = 0.9", 1.0), ("10", 1.0), ("a$b$", 0.5)]
    ends = [point["place"] for point in points if point["axis"] == "train loss"]
    assert ends == [0.0, 0.5, 1.0]
