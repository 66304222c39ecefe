"""`declnet sweep` of a spec with `[sweep]`: killed anywhere, it is resumed to the same summary."""

from __future__ import annotations

import json
import os
import random
import time

import pytest

from .conftest import by_name

KILLS = int(os.environ.get("DECLNET_TEST_SWEEP_KILLS", "2"))
SWEEP = {
    "optimizer.learning_rate": [0.1, 0.5],
    "training.batch_size": {"linear": [5, 9], "count": 3},
    "zip": [["training.batch_size", "training.accumulate"]],
    "training.accumulate": [1, 2, 3],
    "seed": {"from": 1, "to": 2},
}
BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")


@pytest.fixture
def spec(spec_file, document):
    document["training"] |= {
        "epochs": 3,
        "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
    }
    return spec_file({**document, "sweep": SWEEP})


def content(path):
    return json.loads(path.read_text("utf-8"))


def without_times(value):
    if isinstance(value, dict):
        return {
            key: without_times(each)
            for key, each in value.items()
            if key not in ("seconds", "jobs")
        }
    return [without_times(each) for each in value] if isinstance(value, list) else value


def bits(folder):
    found = [each for each in sorted(folder.rglob("*")) if each.name in BITS]
    return {str(each.relative_to(folder)): each.read_bytes() for each in found}


def test_each_point_is_a_run_of_its_own_and_the_summary_has_its_values(declnet_cli, spec, tmp_path):
    out = declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "swept")
    summary = content(tmp_path / "swept/summary.json")
    values = [each["values"] for each in summary["specs"]]
    assert sorted(map(json.dumps, values)) == sorted(
        json.dumps(
            {
                "optimizer.learning_rate": rate,
                "training.batch_size": size,
                "training.accumulate": group,
            }
        )
        for rate in (0.1, 0.5)
        for size, group in ((5, 1), (7, 2), (9, 3))
    )
    assert all(each["seeds"] == [1, 2] for each in summary["specs"])
    rows = by_name(out[out.index("by value") :])
    losses = [
        run["metrics"]["train"]["accuracy"]
        for each in summary["specs"]
        if each["values"]["training.batch_size"] == 7
        for run in each["runs"]
    ]
    assert (rows["7"][0], float(rows["7"][1])) == ("4", pytest.approx(sum(losses) / 4, rel=1e-3))
    name = "small-learning_rate=0.5-batch_size=7-accumulate=2"
    changes = ["sweep={}", "optimizer.learning_rate=0.5", "training.batch_size=7"]
    changes += ["training.accumulate=2", "seed=2", f"name={name}"]
    words = [word for each in changes for word in ("--set", each)]
    declnet_cli.succeeds("run", spec, *words, "--out", "alone", "--quiet")
    assert bits(tmp_path / "alone") == bits(tmp_path / "swept" / name / "seed-2")


def test_killed_at_random_moments_it_ends_with_the_same_summary(declnet_cli, spec, tmp_path):
    declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "whole")
    began = time.monotonic()
    declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "again")
    lasts = time.monotonic() - began
    folder, draw = tmp_path / "killed", random.Random(4)
    kills = 0
    while kills < KILLS:
        begun = (folder / "sweep.json").exists()
        command = ["resume", folder] if begun else ["sweep", spec, "--out", folder]
        process = declnet_cli.start(*command, "--quiet")
        time.sleep(draw.uniform(0, 1.2 * lasts))
        finished = process.poll() is not None
        process.kill()
        process.communicate()
        kills += 1
        if finished:
            assert bits(folder) == bits(tmp_path / "whole")
            folder = tmp_path / f"killed-{kills}"
    begun = (folder / "sweep.json").exists()
    finished = [  # the manifest is written after the metrics
        each.with_name("metrics.json")
        for each in folder.rglob("manifest.json")
        if content(each)["status"] == "finished"
    ]
    before = {each: each.stat().st_mtime_ns for each in finished}
    command = ["resume", folder] if begun else ["sweep", spec, "--out", folder]
    declnet_cli.succeeds(*command, "--quiet")
    assert {each: each.stat().st_mtime_ns for each in before} == before  # nothing is repeated
    assert bits(folder) == bits(tmp_path / "whole")
    assert content(folder / "sweep.json") == content(tmp_path / "whole/sweep.json")
    summaries = [content(each / "summary.json") for each in (folder, tmp_path / "whole")]
    assert without_times(summaries[0]) == without_times(summaries[1])


def test_the_summary_is_made_anew_from_the_folders(declnet_cli, refused, spec, tmp_path):
    out = declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "swept", "--metric", "loss")
    (tmp_path / "swept/summary.json").unlink()
    again = declnet_cli("sweep", "swept")
    tables = out.splitlines()[:-1]
    assert again.stdout.splitlines() == tables
    assert content(tmp_path / "swept/summary.json")["metric"] == "train.loss"
    assert declnet_cli.succeeds("sweep", "swept", "--metric", "accuracy") != again.stdout
    assert "is summarized alone" in refused("sweep", "swept", "--seeds", "0..1")
    lost = next((tmp_path / "swept").glob("*/seed-1"))
    (lost / "manifest.json").write_text("{}", "utf-8")
    done = declnet_cli("sweep", "swept")
    assert (done.returncode, done.stderr.strip()) == (0, "1 of 12 runs have not finished")


def test_a_run_of_it_is_refused_and_a_check_looks_at_every_point(
    declnet_cli, refused, spec, spec_file, document
):
    assert "a sweep of 12 runs" in refused("run", spec)
    declnet_cli.succeeds("check", spec)
    wrong = spec_file({**document, "sweep": {"training.batch_size": [5, 0, 7]}}, "wrong.json")
    for command in ("check", "sweep"):
        said = refused(command, wrong)
        assert said.count("error[") == 1
        assert '"batch_size" must be at least 1, not 0' in said


def test_a_terminal_shows_the_best_so_far_and_the_time_left(on_terminal, spec):
    shown = on_terminal("sweep", spec, "--out", "swept")
    assert shown.code == 0
    assert "best so far" in shown.text
    assert "left:" in shown.text
    assert "train.accuracy" in shown.text.rpartition("left:")[0]
    assert "seed 1: train" not in shown.text  # no line for each run
