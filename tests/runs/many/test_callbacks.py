"""Callbacks know the group of a run, and are called once after all of its runs have ended."""

from __future__ import annotations

import json

import pytest

from declnet import Callback, Journal, Task, grouped_run, parse_spec, run, sweep
from declnet.runs.many.beginning import study_file
from declnet.runs.many.journal import StoredJournal
from declnet.testing.examples import registry_with

TOLD = []


class Group(Callback):
    type = "group"

    label: str = "a"

    def group_finished(self, runs, best):
        TOLD.append((self.label, runs, best))


@pytest.fixture
def registry():
    TOLD.clear()
    return registry_with([Group])


def test_after_all_folds_the_callback_gets_their_metrics(document, registry, tmp_path):
    document["data"]["folds"] = 3
    document["training"]["callbacks"] = ["group", {"type": "group", "label": "b"}, "group"]
    folds = run(parse_spec(document, registry), out=tmp_path / "f", registry=registry)
    assert [label for label, *_ in TOLD] == ["a", "b"]
    _, runs, best = TOLD[0]
    assert [fold.values for fold in runs] == [{"fold": 1}, {"fold": 2}, {"fold": 3}]
    assert {fold.group for fold in runs} == {tmp_path / "f"}
    assert [fold.metrics for fold in runs] == [member.metrics for member in folds.members]
    accuracies = [fold.metrics["validation"]["accuracy"] for fold in runs]
    assert best.metrics["validation"]["accuracy"] == max(accuracies)


def test_the_group_of_a_sweep_is_reported_once(document, registry, tmp_path):
    document["training"] |= {"callbacks": ["group"], "epochs": 1}
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.2], "seed": [0, 1]}
    sweep(document, out=tmp_path / "swept", registry=registry)
    ((_, runs, best),) = TOLD
    assert {grouped.group for grouped in runs} == {tmp_path / "swept"}
    varied = sorted(tuple(grouped.values.values()) for grouped in runs)
    assert varied == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]
    assert best in runs
    assert json.loads((tmp_path / "swept/group.json").read_text())["status"] == "finished"


def test_a_single_run_has_no_group(document, tmp_path):
    run(parse_spec(document), out=tmp_path / "runs" / "one")
    assert grouped_run(tmp_path / "runs" / "one") is None
    run(parse_spec(document), out=tmp_path / "other", seeds=[1])
    (tmp_path / "other" / "group.json").rename(tmp_path / "runs" / "group.json")
    assert grouped_run(tmp_path / "runs" / "one") is None
    (tmp_path / "runs" / "group.json").write_text("[")
    assert grouped_run(tmp_path / "runs" / "one") is None


def test_a_trial_has_its_values_from_the_journal(document, tmp_path):
    document["data"]["validation"] = 0.5
    space = {"training.epochs": [3, 4], "training.log_every": [1, 2]}
    spec = parse_spec({**document, "tune": {"trials": 2, "space": space, "search": "grid"}})
    study_file(spec).write(tmp_path)
    values = {"training.epochs": 3, "training.log_every": 2}
    journal: Journal = StoredJournal(tmp_path, {}, writes=True)
    for seed in (0, 1):
        journal.ask(Task(f"trials/0003/seed-{seed}", values, seed, point="trials/0003"))
    run(spec, out=tmp_path / "trials/0003/seed-1")
    grouped = grouped_run(tmp_path / "trials/0003/seed-1")
    assert (grouped.group, grouped.values) == (tmp_path, {"trial": 3, **values, "seed": 1})
