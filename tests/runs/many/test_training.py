"""Executors: tasks are text that any machine can carry out with the same result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from declnet import (
    DONE,
    WAIT,
    ComponentError,
    Executor,
    Plan,
    Task,
    TaskUpdate,
    open_group,
    parse_spec,
    run,
    sweep,
)
from declnet.runs.many.beginning import series_file
from declnet.runs.many.group import Group
from declnet.runs.many.training import Training

from ...testing.right.executors import InThread, InTurn

BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")


def training_of(spec, seeds, parent, **options):
    parent.mkdir(exist_ok=True)
    return Training(Group(parent, series_file(spec, seeds)[0]), **options)


def outcomes(executor, spec, seeds, parent, follow=lambda *_: None):
    training = training_of(spec, seeds, parent, follow=follow)
    training.train(executor)
    return training.outcomes()


def bits(folder):
    return {name: (folder / name).read_bytes() for name in BITS}


def left_in(parent):
    return {path.name for path in parent.iterdir()}


@pytest.mark.parametrize("executor", [InThread(), InThread(is_elsewhere=True)])
def test_a_run_is_the_same_as_in_this_process(executor, document, tmp_path):
    document["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    spec = parse_spec(document)
    alone = run(spec.model_copy(update={"seed": 5}), out=tmp_path / "alone")
    parent = tmp_path / "all"
    followed = []
    trained = outcomes(executor, spec, (5,), parent, lambda run, done: followed.append(done))
    assert (trained[0].metrics, trained[0].error) == (alone.metrics, None)
    assert bits(parent / "seed-5") == bits(tmp_path / "alone")
    assert [path.name for path in sorted((parent / "seed-5/checkpoints").iterdir())] == [
        path.name for path in sorted((tmp_path / "alone/checkpoints").iterdir())
    ]
    assert followed[-1] == 1.0
    files = {"README.md", "group.json", "journal.jsonl", "summary.json"}
    assert left_in(parent) == {"seed-5", *files}
    (again,) = outcomes(executor, spec, (5,), parent)  # it has finished, and stays as it is
    assert again.metrics == alone.metrics


def test_a_run_from_another_machine_replaces_what_was_left_of_it(document, tmp_path):
    spec, folder = parse_spec(document), tmp_path / "all/seed-5"
    run(spec.model_copy(update={"seed": 5}), out=folder)
    before = bits(folder)
    (folder / "metrics.json").write_text("{}", "utf-8")
    (folder / "left").touch()
    (outcome,) = outcomes(InThread(is_elsewhere=True), spec, (5,), tmp_path / "all")
    assert outcome.error is None
    assert bits(folder) == before
    assert not (folder / "left").exists()


class Broken(Executor):
    """An executor that yields the given updates."""

    type = "broken"
    updates: tuple[object, ...] = ()

    def execute(self, tasks):
        next(tasks)
        yield from self.updates


@pytest.mark.parametrize(
    ("update", "problem"),
    [
        (TaskUpdate(3, answer=b""), "news of task 3"),
        ("done", "not a TaskUpdate"),
        (TaskUpdate(0, answer="text"), "not bytes"),
    ],
)
def test_an_executor_that_breaks_its_contract_is_named(update, problem, document, tmp_path):
    with pytest.raises(ComponentError, match=f'executor "broken".*{problem}'):
        outcomes(Broken(updates=(update,)), parse_spec(document), (1, 2), tmp_path / "all")


class Half(InTurn):
    """An executor that answers the first task with a given update, and the second never."""

    type = "half"
    first: TaskUpdate

    def execute(self, tasks):
        next(tasks)
        next(tasks)
        yield self.first


@pytest.mark.parametrize(
    ("update", "error"),
    [
        (TaskUpdate(0, failure="the machine is gone"), "the machine is gone"),
        (TaskUpdate(0, answer=b"x"), "its answer is not what execute_task returned"),
        (
            TaskUpdate(0, answer=b'{"outcome": {"error": null}, "files": {"../x": 1}}\ny'),
            "its answer is not what execute_task returned",
        ),
    ],
)
def test_each_task_has_an_outcome_whatever_the_executor_does(update, error, document, tmp_path):
    ended_runs = outcomes(Half(first=update), parse_spec(document), (1, 2), tmp_path / "all")
    ended = 'the executor "half" ended without its answer'
    assert [outcome.error for outcome in ended_runs] == [error, ended]
    assert not (tmp_path / "x").exists()


class Rungs(Plan):
    """Successive halving over folds: each fold trains the better half of the previous points."""

    type = "rungs"
    points: tuple[dict[str, Any], ...]
    folds: int = 3
    metric: str = "validation.loss"

    def next(self, journal):
        alive = list(range(len(self.points)))
        for fold in range(1, self.folds + 1):
            for number in alive:
                folder = f"point-{number}/fold-{fold}"
                if folder not in journal.tasks:
                    return Task(folder, self.points[number], fold=fold, point=f"point-{number}")
            losses = {}
            for number in alive:
                outcome = journal.outcomes.get(f"point-{number}/fold-{fold}")
                if outcome is None:
                    return WAIT
                losses[number] = outcome.metric(self.metric)
            alive = sorted(alive, key=losses.get)[: -(-len(alive) // 2)]
        return DONE


POINTS = tuple({"optimizer.learning_rate": rate} for rate in (0.001, 0.1, 0.5, 1.0))


@pytest.fixture
def rungs(document):
    document["data"]["folds"] = 3
    document["training"] |= {
        "epochs": 2,
        "callbacks": [{"type": "checkpoint", "every_epochs": 1}],
    }
    return parse_spec(document), Rungs(points=POINTS)


def test_a_third_party_plan_decides_by_the_outcomes(rungs, tmp_path):
    spec, plan = rungs
    group = sweep(spec, out=tmp_path / "one", plan=plan, jobs=1)
    tasks = [task.folder for task in group.tasks]
    assert [task.rpartition("/")[2] for task in tasks] == ["fold-1"] * 4 + ["fold-2"] * 2 + [
        "fold-3"
    ]
    rates = {run.directory.parent.name: run.metric("validation.loss") for run in group.outcomes()}
    assert len(rates) == 4
    assert group.status == "finished"
    winner = tasks[-1].partition("/")[0]
    assert open_group(tmp_path / "one" / winner).evaluate().samples > 0
    assert {series.name for series in group.series()} == {
        f"small-point-{number}" for number in range(4)
    }


KILLS = int(os.environ.get("DECLNET_TEST_PLAN_KILLS", "3"))


def test_a_plan_that_is_killed_asks_for_the_same_tasks_again(rungs, tmp_path):
    """Killed before any file operation of the group's folder, it ends with the same bits."""
    script = Path(__file__).with_name("killed_plans.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(KILLS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= KILLS


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (Task("../a"), "not a folder within the group"),
        (Task("a", continues="b"), "continues 'b', which has not ended"),
        (WAIT, "WAIT, but no task is running"),
        ("a", "not a Task or a Step"),
    ],
)
def test_a_plan_that_breaks_its_contract_is_named(task, problem, document, tmp_path):
    class Wrong(Plan):
        type = "wrong"

        def next(self, journal):
            return task

    with pytest.raises(ComponentError, match=problem):
        sweep(parse_spec(document), out=tmp_path / "wrong", plan=Wrong())


class Longer(Plan):
    """A plan that prolongs a run."""

    type = "longer"

    def next(self, journal):
        for epochs in (2, 5):
            folder = f"epochs-{epochs}"
            if folder not in journal.tasks:
                before = "epochs-2" if epochs > 2 else None
                return Task(folder, {"training.epochs": epochs}, point=folder, continues=before)
        return DONE


def test_a_prolonged_run_equals_a_run_of_all_epochs(document, tmp_path):
    document["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    document["training"]["epochs"] = 5
    alone = run(parse_spec(document))
    group = sweep(parse_spec(document), out=tmp_path / "out", plan=Longer(), jobs=1)
    first, second = group.outcomes()
    assert (first.error, second.error, second.metrics) == (None, None, alone.metrics)
    manifest = json.loads((tmp_path / "out/epochs-5/manifest.json").read_text())
    assert manifest["resumed"][0]["from_epoch"] == 2
    document["training"]["callbacks"] = []
    group = sweep(parse_spec(document), out=tmp_path / "none", plan=Longer(), jobs=1)
    assert "no checkpoints to continue from" in group.journal.outcomes["epochs-5"].error
