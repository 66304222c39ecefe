"""Runs side by side in threads: each with the folder and the bits of the run alone."""

from __future__ import annotations

import json

import pytest

from declnet import default_registry, parse_spec, run
from declnet.runs.many.execution import threads
from declnet.runs.many.execution.tasks import Task, carry_out, tasks_of
from declnet.runs.many.execution.threads import side_by_side
from declnet.training.alongside import Alongside

NATIVE = {"engine": {"kernels": "jit"}}
LONG = {"training": {"epochs": 2000, "log_every": 1000, "metrics": ["accuracy"]}}
TIMES = ("started", "ended", "seconds")


@pytest.fixture
def native(document):
    pytest.importorskip("numba")
    return document | NATIVE | LONG


@pytest.fixture
def no_processes(monkeypatch):
    def refuse(*_):
        raise AssertionError("a worker process")

    monkeypatch.setattr(threads, "at_once", refuse)


def executed(tasks, jobs=2, follow=lambda task, share: None):
    return list(side_by_side(tasks, jobs, default_registry(), [], follow))


def folder(directory):
    """Return the files of a run, without the times in the manifest."""
    files = {
        str(each.relative_to(directory)): each.read_bytes()
        for each in sorted(directory.rglob("*"))
        if each.is_file()
    }
    manifest = json.loads(files.pop("manifest.json"))
    return files, {key: value for key, value in manifest.items() if key not in TIMES}


def same_as_alone(outcomes, tasks, tmp_path):
    by_folder = {each.directory: each for each in outcomes}
    assert len(by_folder) == len(outcomes) == len(tasks)
    for number, task in enumerate(tasks):
        alone = run(task.spec, out=tmp_path / f"alone-{number}")
        assert by_folder[task.directory].metrics == alone.metrics
        assert folder(task.directory) == folder(alone.directory)


@pytest.mark.usefixtures("no_processes")
def test_seeds_folds_and_points_have_the_folder_of_the_run_alone(native, tmp_path):
    seeded = native | {"data": native["data"] | {"validation": 0.2, "prepare": ["standardize"]}}
    seeded["training"] = seeded["training"] | {"batch_size": 7, "epochs": 300}
    folded = native | {"data": native["data"] | {"folds": 3}}
    point = native | {"optimizer": {"type": "adam", "learning_rate": 0.02}, "name": "point"}
    tasks = [
        *tasks_of(parse_spec(seeded), [0, 3], tmp_path / "seeded"),
        *tasks_of(parse_spec(folded), None, tmp_path / "folded"),
        *tasks_of(parse_spec(point), None, tmp_path / "point"),
    ]
    same_as_alone(executed(tasks, jobs=3), tasks, tmp_path)


def test_runs_that_need_python_are_left_to_processes(native, tmp_path, monkeypatch):
    documents = {
        "numpy": {"engine": {"kernels": "numpy"}},
        "every_epoch": {"training": native["training"] | {"log_every": 1}},
        "averaged": {"training": native["training"] | {"callbacks": ["ema"]}},
        "native": {},
    }
    tasks = [
        Task(parse_spec(native | changes | {"name": name}), tmp_path / name)
        for name, changes in documents.items()
    ]
    given = []

    def at_once(tasks, jobs, disabled, follow):
        given.extend(task.spec.name for task in tasks)
        yield from (carry_out(task, default_registry(), lambda share: None) for task in tasks)

    monkeypatch.setattr(threads, "at_once", at_once)
    monkeypatch.setattr(threads, "PROCESSES_WORTHWHILE", 0.0)
    same_as_alone(executed(tasks), tasks, tmp_path)
    assert sorted(given) == ["averaged", "every_epoch", "numpy"]


@pytest.mark.usefixtures("no_processes")
def test_a_run_that_fails_costs_the_others_nothing(native, tmp_path):
    diverging = native | {"optimizer": {"type": "sgd", "learning_rate": 1e200}, "name": "wild"}
    absent = native | {"data": {"train": {"type": "npz", "path": str(tmp_path / "no.npz")}}}
    tasks = tasks_of(parse_spec(native), [0, 1], tmp_path)
    tasks[1:1] = [
        Task(parse_spec(diverging), tmp_path / "wild"),
        Task(parse_spec(absent), tmp_path / "absent"),
    ]
    found = {each.directory.name: each.error for each in executed(tasks)}
    assert found["seed-0"] is found["seed-1"] is None
    assert "the loss is" in found["wild"]
    assert "no.npz" in found["absent"]
    assert json.loads((tmp_path / "wild/manifest.json").read_text())["status"] == "failed"


@pytest.mark.usefixtures("no_processes")
def test_runs_that_are_interrupted_resume_to_the_same_bits(native, tmp_path, monkeypatch):
    spec = parse_spec(native | {"training": native["training"] | {"epochs": 20_000}})
    tasks = [
        Task(each.spec, each.directory, resumes=True)
        for each in tasks_of(spec, [0, 1, 2], tmp_path / "many")
    ]
    deliver, delivered = Alongside.deliver, []

    def interrupt(runs):
        delivered.append(runs)
        if len(delivered) == 6:
            runs.stop.set()
        deliver(runs)

    with monkeypatch.context() as patch:
        patch.setattr(Alongside, "deliver", interrupt)
        assert executed(tasks) == []
    begun = [each.directory for each in tasks if (each.directory / "manifest.json").exists()]
    assert 0 < len(begun) < 3
    for each in begun:
        assert json.loads((each / "manifest.json").read_text())["status"] == "interrupted"
        assert list((each / "checkpoints").iterdir())
    executed(tasks)
    for number, each in enumerate(tasks):
        alone = run(each.spec, out=tmp_path / f"alone-{number}")
        files, _ = folder(alone.directory)
        assert folder(each.directory)[0] == files
