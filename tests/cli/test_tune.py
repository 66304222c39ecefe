"""`declnet tune`: files, output, and studies that end with the same trials after kills."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
import tomllib

import pytest

from declnet.display.tables import format_metric

from .conftest import content, rows
from .kills import carried_through_kills, finished_runs

pytest.importorskip("optuna")

KILLS = int(os.environ.get("DECLNET_TEST_STUDY_KILLS", "1"))
SPACE = {
    "optimizer.learning_rate": {"low": 0.01, "high": 1.0, "log": True},
    "training.batch_size": {"low": 4, "high": 12, "step": 4},
    "model.layers.1": ["relu", "tanh"],
}
BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml", "best.toml")


@pytest.fixture
def tuned(document):
    """A spec with a study of trials that take milliseconds."""
    document["data"]["validation"] = 0.25
    document["training"] |= {
        "epochs": 4,
        "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
    }
    return {**document, "tune": {"trials": 14, "space": SPACE}}


def trials(folder):
    """Return the trials of a study, without what differs between processes."""
    rows = content(folder / "summary.json")["trials"]
    return [{key: row[key] for key in row if key not in ("seconds", "worker")} for row in rows]


def bits(folder):
    """Return the files of a study, without the comments that name it."""
    return {
        str(path.relative_to(folder)): b"".join(
            line for line in path.read_bytes().splitlines(True) if not line.startswith(b"# ")
        )
        for path in sorted(folder.rglob("*"))
        if path.name in BITS
    }


def test_a_study_without_a_trial_says_how_to_continue(declnet_cli, spec_file, tuned):
    tuned["tune"] = {"minutes": 1e-9, "space": SPACE}
    done = declnet_cli("tune", spec_file(tuned), "--out", "study")
    continued = "no trial began within 1e-09 min; to continue: declnet resume study --minutes N"
    assert (done.returncode, continued in done.stdout) == (1, True)
    assert "next:" not in done.stdout


def test_the_best_spec_repeats_the_best_trial(declnet_cli, spec_file, tuned, tmp_path):
    out = declnet_cli.succeeds("tune", spec_file(tuned), "--out", "study")
    study = content(tmp_path / "study/summary.json")
    done = [trial for trial in study["trials"] if trial["state"] == "finished"]
    best = max(done, key=lambda trial: trial["value"])
    assert [trial["number"] for trial in study["trials"]] == list(range(14))
    assert {trial["state"] for trial in study["trials"]} == {"finished", "pruned"}
    assert (study["best"], study["objective"]) == (best["number"], "validation.accuracy")
    is_known = len(done) >= 10
    assert sum(study["importance"].values()) == pytest.approx(1.0 if is_known else 0.0)
    assert ("what each key matters: from 10 finished trials on" in out) == (not is_known)
    assert f"untuned: validation.accuracy {format_metric(study['gain']['untuned'])}; the" in out
    assert f"best: trial {best['number']}, validation.accuracy" in out
    assert sum(row[0].startswith("trial ") and ":" in row[0] for row in rows(out)) == 14
    assert out.count("pruned at") == 14 - len(done)
    text = (tmp_path / "study/best.toml").read_text("utf-8")
    assert text.startswith(f"# Trial {best['number']} of the study study, the best of 14: valid")
    written = tomllib.loads(text)
    assert written["optimizer"]["learning_rate"] == best["values"]["optimizer.learning_rate"]
    assert type(written["training"]["batch_size"]) is int
    (tmp_path / "study/summary.json").unlink()
    again = json.loads(declnet_cli.succeeds("tune", "study", "--format", "json"))
    assert again == content(tmp_path / "study/summary.json") == study
    declnet_cli.succeeds("run", "study/best.toml", "--out", "alone", "--quiet")
    alone = content(tmp_path / "alone/metrics.json")
    metrics = content(tmp_path / f"study/trials/{best['number']:04}/metrics.json")
    assert alone == metrics
    assert metrics["validation"]["accuracy"] == best["value"]
    for trial in study["trials"]:
        manifest = content(tmp_path / f"study/trials/{trial['number']:04}/manifest.json")
        assert manifest["status"] == "finished"
        assert manifest.get("stopped", "").startswith("pruned") == (trial["state"] == "pruned")


def test_killed_at_random_moments_it_ends_with_the_same_trials(
    declnet_cli, spec_file, tuned, tmp_path
):
    """Nothing is lost, repeated or left behind, after kills from the first millisecond on."""
    spec = spec_file(tuned)
    began = time.monotonic()
    declnet_cli.succeeds("tune", spec, "--quiet", "--out", "whole")
    lasts = time.monotonic() - began
    whole, draw, kills, studies = trials(tmp_path / "whole"), random.Random(5), 0, 0
    while kills < KILLS:
        folder = tmp_path / f"killed-{studies}"
        studies += 1

        def start(folder=folder):
            begun = (folder / "group.json").exists()
            command = ["resume", folder] if begun else ["tune", spec, "--out", folder]
            return declnet_cli.start(*command, "--quiet")

        def finished(folder=folder):
            return finished_runs(folder.glob("trials/*/manifest.json"))

        most = draw.choice([1, 1, 5])  # one kill is anywhere in the life of a whole study
        kills += carried_through_kills(start, finished, draw, lasts, min(most, KILLS - kills))
        assert trials(folder) == whole
        assert bits(folder) == bits(tmp_path / "whole")
        assert content(folder / "group.json")["status"] == "finished"
        assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
        shutil.rmtree(folder)


def test_a_terminal_shows_the_best_so_far_and_the_time_left(on_terminal, spec_file, tuned):
    shown = on_terminal("tune", spec_file(tuned), "--set", "tune.trials=3", "--out", "study")
    assert shown.code == 0
    live = shown.text.rpartition("left:")[0]
    assert "best so far" in live
    assert "validation.accuracy" in live
    assert "pruned" in live
    assert "trial 0: " not in shown.text  # no line for each trial


def test_an_invalid_study_is_refused_before_a_folder_is_created(
    declnet_cli, refused, spec_file, document, tuned, tmp_path
):
    assert 'has no section "tune"' in refused("tune", spec_file(document))
    wrong = {**tuned, "tune": {"trials": 3, "space": {"training.batch_size": [5, 0]}}}
    said = refused("tune", spec_file(wrong, "wrong.json"), "--out", "study")
    assert said.count("error[") == 1
    assert '"batch_size" must be at least 1, not 0' in said
    assert not (tmp_path / "study").exists()
    both = spec_file({**tuned, "sweep": {"seed": [1, 2]}}, "both.json")
    for command in ("tune", "sweep"):
        assert "a spec has either" in refused(command, both)
    odd = {**tuned, "tune": {**tuned["tune"], "search": {"type": "optuna", "sampler": "tp"}}}
    assert '"sampler" must be "tpe", "random", ' in refused("tune", spec_file(odd, "odd.json"))
    declnet_cli.succeeds("run", spec_file(tuned), "--quiet")  # with the spec's own values


def test_a_study_that_selects_weights_is_one_predictor_also_after_kills(
    declnet_cli, spec_file, tuned, tmp_path
):
    data = {"train": tuned["data"]["train"], "folds": 3}
    tune = {**tuned["tune"], "trials": 5, "weights": "selected"}
    tune["search"] = {"type": "random", "pruner": "none"}
    spec = spec_file({**tuned, "data": data, "tune": tune})
    began = time.monotonic()
    out = declnet_cli.succeeds("tune", spec, "--out", "whole")
    lasts = time.monotonic() - began
    group = content(tmp_path / "whole/group.json")
    weights = {point: weight for point, weight in group["weights"].items() if weight}
    assert "members, out of fold" in out
    assert all(any(row[0] == point for row in rows(out)) for point in (*weights, "untuned"))
    assert "all together" in out
    assert "declnet predict whole INPUT" in out
    killed = tmp_path / "killed"

    def start():
        command = ["resume", killed] if (killed / "group.json").exists() else ["tune", spec]
        return declnet_cli.start(*command, *(["--out", killed] if "tune" in command else []))

    def finished():
        return finished_runs(killed.glob("*/**/fold-*/manifest.json"))

    carried_through_kills(start, finished, random.Random(8), lasts, 2)
    again = content(killed / "group.json")
    assert again["weights"] == group["weights"]
    assert again["fold_weights"] == group["fold_weights"]
    assert trials(killed) == trials(tmp_path / "whole")
    predicted = (tmp_path / "whole/out_of_fold.csv").read_bytes()
    assert (killed / "out_of_fold.csv").read_bytes() == predicted
    printed = json.loads(declnet_cli.succeeds("evaluate", "killed", "--format", "json"))
    assert printed["data"] == "out of fold"
    summary = declnet_cli.succeeds("tune", "killed")
    assert "members, out of fold" in summary
    assert declnet_cli("resume", "killed").returncode == 0  # nothing is left
