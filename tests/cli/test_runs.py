"""`declnet runs`."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import nullcontext

import pytest

from declnet import DivergenceError, parse_spec, run


def table(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    head, rows = lines[0], lines[2:]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def runs(document, tmp_path):
    """Three runs of different rates, the last one failed, in `runs`."""
    document["training"]["epochs"] = 30
    for number, rate in enumerate((0.001, 1.0, 1e200), start=1):
        document["optimizer"]["learning_rate"] = rate
        out = tmp_path / "runs" / f"small-{number}"
        with pytest.raises(DivergenceError) if rate == 1e200 else nullcontext():
            run(parse_spec(document), out=out)
    return tmp_path / "runs"


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_each_run_has_a_row(declnet_cli, runs):
    first, second, third = table(declnet_cli.succeeds("runs"))
    assert [each["name"] for each in (first, second, third)] == ["small-1", "small-2", "small-3"]
    assert (first["status"], first["epochs"]) == ("finished", "30")
    assert third["status"] == "failed"
    assert third["epochs"].endswith(" of 30")
    assert third["train.loss"] == "-"
    for row in (first, second):
        found = metrics(runs / row["name"])["train"]
        assert float(row["train.loss"]) == pytest.approx(found["loss"], rel=1e-3)
        assert float(row["train.accuracy"]) == pytest.approx(found["accuracy"], rel=1e-3)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row["date"])
        assert re.fullmatch(r"\d+\.\d\d", row["seconds"])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--sort", "loss"], ["small-2", "small-1", "small-3"]),
        (["--sort", "train.loss", "--reverse"], ["small-1", "small-2", "small-3"]),
        (["--sort", "train.accuracy"], ["small-2", "small-1", "small-3"]),
        (["--sort", "name", "--reverse"], ["small-3", "small-2", "small-1"]),
        (["--sort", "name", "--descending"], ["small-3", "small-2", "small-1"]),
        (["--sort", "name", "--descending", "--reverse"], ["small-1", "small-2", "small-3"]),
        (["--sort", "accuracy", "--ascending"], ["small-1", "small-2", "small-3"]),
        (["--sort", "accuracy", "--descending"], ["small-2", "small-1", "small-3"]),
        (["--sort", "loss", "--descending"], ["small-1", "small-2", "small-3"]),
        (["--sort", "loss", "--descending", "--reverse"], ["small-2", "small-1", "small-3"]),
        (["--filter", "status=failed"], ["small-3"]),
        (["--filter", "optimizer.learning_rate=1e-3"], ["small-1"]),
        (["--filter", "optimizer.learning_rate=1"], ["small-2"]),
        (
            ["--filter", "status=finished", "--filter", "model.layers.dense_1.units=4"],
            ["small-1", "small-2"],
        ),
        (
            ["--filter", "name=small", "--filter", "seed=1", "--filter", "status=failed"],
            ["small-3"],
        ),
    ],
)
def test_runs_are_sorted_and_filtered(declnet_cli, runs, options, names):
    assert [each["name"] for each in table(declnet_cli.succeeds("runs", *options))] == names


@pytest.mark.parametrize("name", ["accuracy", "train.accuracy"])
def test_a_metric_of_unknown_direction_needs_an_order(declnet_cli, runs, name):
    for each in runs.iterdir():
        path = each / "manifest.json"
        manifest = json.loads(path.read_text()) | {"better": {"loss": "lower"}}
        path.write_text(json.dumps(manifest))
    done = declnet_cli("runs", "--sort", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'values of "accuracy" are better; add --ascending or --descending' in done.stderr
    found = table(declnet_cli.succeeds("runs", "--sort", name, "--descending"))
    assert [each["name"] for each in found] == ["small-2", "small-1", "small-3"]


def test_json_has_the_figures_as_they_are(declnet_cli, runs):
    found = json.loads(declnet_cli.succeeds("runs", "--format", "json"))
    assert [each["name"] for each in found] == ["small-1", "small-2", "small-3"]
    assert found[0]["metrics"] == metrics(runs / "small-1")
    assert found[2]["metrics"] == {}
    manifest = json.loads((runs / "small-1/manifest.json").read_text())
    assert found[0]["started"] == manifest["started"]
    assert found[0]["seconds"] == manifest["seconds"]
    assert json.loads(declnet_cli.succeeds("runs", "--format", "json", "--filter", "seed=2")) == []


def test_runs_of_sweeps_are_found_where_they_are(declnet_cli, runs, spec_file, document):
    document["optimizer"]["learning_rate"] = 0.1
    declnet_cli.succeeds("run", spec_file(document), "--seeds", "9..10", "--quiet")
    names = [each["name"] for each in table(declnet_cli.succeeds("runs", "--sort", "name"))]
    assert names[3:] == ["small-seeds-1/seed-10", "small-seeds-1/seed-9"]


def damage(runs, file, content):
    shutil.copytree(runs / "small-1", runs / "bad")
    (runs / "bad" / file).write_text(content)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("manifest.json", "{", "damaged: manifest.json: "),
        ("manifest.json", "[]", "damaged: manifest.json: no JSON object"),
        ("manifest.json", "{}", "damaged: manifest.json has no 'status'"),
        ("manifest.json", "[" * 100_000, "damaged: manifest.json: "),
        ("manifest.json", '{"status": "finished", "seconds": []}', "damaged: "),
        ("metrics.json", "3", "damaged: metrics.json: no JSON object"),
        ("metrics.json", '{"train": 3}', "damaged: "),
        ("spec.toml", "a = ", "damaged: "),
        ("history.jsonl", "x\n", "damaged: "),
        ("history.jsonl", "[]\n", "damaged: "),
        ("history.jsonl", '{"epoch": "x"}\n', "damaged: "),
    ],
)
def test_a_damaged_run_is_skipped_by_name(declnet_cli, runs, file, content, reason):
    damage(runs, file, content)
    done = declnet_cli("runs")
    assert done.returncode == 0
    assert f"skipped runs/bad: {reason}" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(table(done.stdout)) == 3


def test_folders_that_are_no_runs_are_skipped_by_name(declnet_cli, runs):
    (runs / "pictures" / "old").mkdir(parents=True)
    (runs / "empty").mkdir()
    (runs / ".hidden").mkdir()
    (runs / "a file").touch()
    (runs / "around").symlink_to(runs)
    done = declnet_cli("runs")
    assert done.returncode == 0
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "skipped runs/around",
        "skipped runs/empty",
        "skipped runs/pictures",
    ]
    assert len(table(done.stdout)) == 3


def test_a_line_that_a_kill_cut_off_does_no_harm(declnet_cli, runs):
    with (runs / "small-3/history.jsonl").open("a") as file:
        file.write('{"epoch": 12, "lo')
    assert declnet_cli.succeeds("runs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: there is no such folder"),
        (["data.npz"], "data.npz: is a file, not a folder"),
        (["--sort", "accuracyy"], 'no run has "accuracyy"'),
        (["--sort", "test.loss"], 'did you mean "train.loss"?'),
        (["--filter", "status"], '"status" is not a filter; write KEY=VALUE'),
        (["--filter", "optimizer.typ=sgd"], 'did you mean "optimizer.type"?'),
    ],
)
def test_what_is_wrong_is_told(declnet_cli, runs, arguments, message):
    done = declnet_cli("runs", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_folder_has_no_runs(declnet_cli, tmp_path):
    (tmp_path / "runs").mkdir()
    assert declnet_cli.succeeds("runs") == "no runs\n"
    assert declnet_cli.succeeds("runs", "--format", "json") == "[]\n"
