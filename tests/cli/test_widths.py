"""Every table of every command fits its output, at 80 and at 120 columns."""

from __future__ import annotations

import re

import pytest

from declnet.display.characters import cell_width

METRICS = ["f1", "accuracy", "matthews", "precision", "recall", "log_loss"]
LOG_LINE = re.compile(r"epoch: |\S+, seed \d+|trial \d+: |.*best\.toml$")
"""A line for each epoch, run or trial is one line."""


@pytest.fixture
def specs(document, spec_file):
    document["data"] |= {"validation": 0.25, "test": document["data"]["train"]}
    document["training"] |= {"epochs": 2, "metrics": METRICS}
    document["name"] = "a-name-that-is-rather-long-for-a-run"
    parts = {
        "one": {},
        "folds": {"data": {**document["data"], "folds": 3}},
        "swept": {
            "sweep": {"optimizer.learning_rate": [0.01, 0.1], "model.layers.1": ["relu", "tanh"]}
        },
        "tuned": {
            "tune": {
                "trials": 3,
                "search": "random",
                "space": {"optimizer.learning_rate": {"low": 0.01, "high": 1.0}},
            }
        },
    }
    del parts["folds"]["data"]["validation"]
    members = [{"name": "a-member"}, {"name": "another", "optimizer": {"learning_rate": 0.05}}]
    parts["members"] = {**parts["folds"], "members": members}
    return {name: spec_file({**document, **more}, f"{name}.json") for name, more in parts.items()}


COMMANDS = """
run one.json --out runs/one
run one.json --out runs/two --set optimizer.learning_rate=0.05
run folds.json --out runs/folds
run one.json --seeds 0..2 --out runs/seeds
run members.json --out runs/members
sweep swept.json --out runs/swept
tune tuned.json --out runs/tuned
sweep runs/swept
tune runs/tuned
runs
runs --all
runs --sort train.recall
compare runs/one runs/two
compare runs/seeds runs/one runs/two
compare runs
evaluate runs/one
evaluate runs/one --analyze importance
evaluate runs/folds
evaluate runs/members
diff runs/one runs/two
check one.json --engine
plugins list
plugins show dense
explain
explain E012
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_output(columns, specs, declnet_cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in COMMANDS.strip().splitlines():
        printed = declnet_cli.succeeds(*command.split())
        if command.startswith("plugins show"):  # which prints a docstring too
            (printed,) = (part for part in printed.split("\n\n") if "─" in part)
        for line in printed.splitlines():
            assert LOG_LINE.match(line) or cell_width(line) <= columns, f"{command}: {line}"


def test_the_last_lines_of_a_run_answer_the_main_questions(specs, declnet_cli, monkeypatch):
    """The metric of the task, its baseline, its spread, and the next commands."""
    monkeypatch.setenv("COLUMNS", "120")
    lines = declnet_cli.succeeds("run", specs["one"], "--out", "one").splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("next: "))
    judged, place = lines[at - 2 : at]
    assert re.fullmatch(r'test f1: \d\.\d{3}, baseline \d\.\d{3} \(always "\d"\)', judged)
    assert place.endswith(" s, one")
    assert "declnet predict one INPUT" in {line[6:] for line in lines[at:]}
    out = declnet_cli.succeeds("run", specs["folds"], "--out", "folds", "--quiet").splitlines()
    assert re.fullmatch(
        r"test f1: \d\.\d{3}, baseline .*; single runs: \S+ ± \S+ over 3 folds", out[-2]
    )
    seeds = ("--seeds", "0..1", "--set", "training.epochs=9")
    out = declnet_cli.succeeds("run", specs["one"], *seeds, "--quiet").splitlines()
    assert re.fullmatch(r"test f1: \S+ ± \S+ over 2 seeds, baseline .*", out[-2])
