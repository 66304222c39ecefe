"""`declnet sweep` of a spec with `[sweep]`, which ends with the same summary after kills."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest

from .conftest import bits, content
from .kills import carried_through_kills, finished_runs

KILLS = int(os.environ.get("DECLNET_TEST_SWEEP_KILLS", "2"))
SEEDS = int(os.environ.get("DECLNET_TEST_SWEEP_SEEDS", "2"))
"""Of each of the six points of the sweep that is killed."""
SWEEP = {
    "optimizer.learning_rate": [0.1, 0.5],
    "training.batch_size": {"linear": [5, 9], "count": 3},
    "zip": [["training.batch_size", "training.accumulate"]],
    "training.accumulate": [1, 2, 3],
    "seed": {"from": 1, "to": 2},
}


@pytest.fixture
def spec(spec_file, document):
    document["training"] |= {
        "epochs": 3,
        "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
    }
    return spec_file({**document, "sweep": SWEEP})


def without_times(value):
    if isinstance(value, dict):
        return {
            key: without_times(item)
            for key, item in value.items()
            if key not in ("seconds", "jobs", "manifests")
        }
    return [without_times(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("command", ["sweep", "run"])
def test_killed_at_random_moments_it_ends_with_the_same_summary(
    command, declnet_cli, spec, spec_file, document, tmp_path
):
    """No kill loses or repeats a finished run."""
    begin = ["sweep", spec, "--seeds", f"1..{SEEDS}", "--quiet", "--out"]
    count, most = 6 * SEEDS, KILLS
    if command == "run":
        document["data"]["folds"] = count = 5
        begin = ["run", spec_file(document, "folds.json"), "--quiet", "--out"]
        most = KILLS if "DECLNET_TEST_SWEEP_KILLS" in os.environ else 1
    declnet_cli.succeeds(*begin, "whole")
    began = time.monotonic()
    declnet_cli.succeeds(*begin, "again")
    lasts = time.monotonic() - began
    draw, kills, sweeps = random.Random(4), 0, 0
    whole = content(tmp_path / "whole/summary.json")
    assert sum(len(series["runs"]) for series in whole.get("specs", [whole])) == count
    while kills < most:
        folder = tmp_path / f"killed-{sweeps}"
        sweeps += 1

        def start(folder=folder):
            begun = (folder / "group.json").exists()
            return declnet_cli.start(
                *(["resume", folder, "--quiet"] if begun else [*begin, folder])
            )

        def finished(folder=folder):
            return finished_runs(
                path for path in folder.rglob("manifest.json") if path.parent.name[0] != "."
            )

        kills += carried_through_kills(start, finished, draw, lasts, most - kills)
        assert bits(folder) == bits(tmp_path / "whole")
        assert without_times(content(folder / "group.json")) == without_times(
            content(tmp_path / "whole/group.json")
        )
        assert without_times(content(folder / "summary.json")) == without_times(whole)
        shutil.rmtree(folder)


def test_the_summary_is_rebuilt_from_the_folders(declnet_cli, refused, spec, tmp_path):
    out = declnet_cli.succeeds("sweep", spec, "--quiet", "--out", "swept", "--metric", "loss")
    (tmp_path / "swept/summary.json").unlink()
    again = declnet_cli("sweep", "swept")
    tables = out.splitlines()[:-1]
    assert again.stdout.splitlines() == tables
    assert content(tmp_path / "swept/summary.json")["metric"] == "train.loss"
    assert declnet_cli.succeeds("sweep", "swept", "--metric", "accuracy") != again.stdout
    assert "takes no other specs" in refused("sweep", "swept", "--seeds", "0..1")
    lost = next((tmp_path / "swept").glob("*/seed-1"))
    (lost / "manifest.json").write_text("{}", "utf-8")
    done = declnet_cli("sweep", "swept")
    assert (done.returncode, done.stderr.strip()) == (0, "1 of 12 runs have not finished")


def test_a_terminal_shows_the_best_so_far_and_the_time_left(on_terminal, spec):
    shown = on_terminal("sweep", spec, "--out", "swept")
    assert shown.code == 0
    assert "best so far" in shown.text
    assert "left:" in shown.text
    assert "train.accuracy" in shown.text.rpartition("left:")[0]
    assert "seed 1: train" not in shown.text  # no line for each run
