"""Runs in threads and worker processes, which write the same bits as the run alone."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from declnet import Task, default_registry, discover, parse_spec, run
from declnet.runs.many import early_stops, local_executors
from declnet.runs.many.local_executors import (
    Threads,
    WorkerProcesses,
    local_executor,
)
from declnet.runs.many.run_tasks import Answer, RunTask
from declnet.training.concurrency import LIMITS, ConcurrentRuns, usable_cores

from ...distributions import write_distribution

NATIVE = {"engine": {"kernels": "jit"}}
LONG = {"training": {"epochs": 2000, "log_every": 1000, "metrics": ["accuracy"]}}
TIMES = ("started", "ended", "seconds")


@pytest.fixture
def native(document):
    pytest.importorskip("numba")
    return document | NATIVE | LONG


def tasks_of(spec, folder, seeds=(None,)):
    """Return a task for each seed."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / ".marker.shared.1").touch()
    return [
        RunTask(
            Task(f"seed-{seed}"),
            spec if seed is None else spec.model_copy(update={"seed": seed}),
            folder / (f"seed-{seed}" if seed is not None else spec.name),
            folder / ".marker.shared.1",
            default_registry(),
        )
        for seed in seeds
    ]


def executed(executor, tasks, follow=lambda task, share: None):
    """Return the outcomes in the order of their arrival."""
    outcomes = []
    for update in executor.execute(iter(tasks)):
        task = tasks[update.task]
        if update.failure is not None:
            outcomes.append(task.outcome(error=update.failure))
        elif update.answer is not None:
            outcomes.append(task.outcome(**Answer.unpacked(update.answer).outcome))
        elif update.report is not None:
            task.remote.receive_report(update.report, update.stop)
        else:
            follow(task, update.done)
    return outcomes


def folder(directory):
    """Return the files of a run, without the times in the manifest.

    Only a run alone has a model card.
    """
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "README.md"
    }
    manifest = json.loads(files.pop("manifest.json"))
    return files, {key: value for key, value in manifest.items() if key not in TIMES}


def same_as_alone(outcomes, tasks, tmp_path):
    by_folder = {outcome.directory: outcome for outcome in outcomes}
    assert len(by_folder) == len(outcomes) == len(tasks)
    for number, task in enumerate(tasks):
        alone = run(task.spec, out=tmp_path / f"alone-{number}")
        assert by_folder[task.directory].metrics == alone.metrics
        assert folder(task.directory) == folder(alone.directory)


@pytest.mark.parametrize("executor", [Threads(jobs=3), WorkerProcesses(jobs=2)])
def test_seeds_folds_and_points_have_the_folder_of_the_run_alone(native, tmp_path, executor):
    seeded = native | {"data": native["data"] | {"validation": 0.2, "prepare": ["standardize"]}}
    seeded["training"] = seeded["training"] | {"batch_size": 7, "epochs": 300}
    fold = native | {"data": native["data"] | {"folds": 3, "fold": 2}, "name": "fold"}
    point = native | {"optimizer": {"type": "adam", "learning_rate": 0.02}, "name": "point"}
    tasks = [
        *tasks_of(parse_spec(seeded), tmp_path / "seeded", [0, 3]),
        *tasks_of(parse_spec(fold), tmp_path / "folded"),
        *tasks_of(parse_spec(point), tmp_path / "point"),
    ]
    same_as_alone(executed(executor, tasks), tasks, tmp_path)


def test_where_runs_train_follows_a_rule(native, tmp_path, monkeypatch):
    """Threads for runs that seldom need Python, else processes if the runs take long enough."""
    documents = {
        "numpy": {"engine": {"kernels": "numpy"}},
        "every_epoch": {"training": native["training"] | {"log_every": 1}},
        "averaged": {"training": native["training"] | {"callbacks": ["ema"]}},
        "native": {},
    }
    chosen = {}
    for name, changes in documents.items():
        (task,) = tasks_of(parse_spec(native | changes | {"name": name}), tmp_path)
        chosen[name] = [local_executor(task, count, 2)[0].type for count in (1, 2, 1000)]
        without_data = replace(task, data={})
        assert local_executor(without_data, 1000, 1)[0].type == "in_process"
    brief, long = ["in_process"] * 2, "worker_processes"
    assert chosen == {
        "numpy": [*brief, long],
        "every_epoch": ["in_process", "threads", long],
        "averaged": [*brief, long],
        "native": ["in_process", "threads", "threads"],
    }


def test_there_are_as_many_runs_at_once_as_cores_or_tasks(document, tmp_path, monkeypatch):
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    (task,) = tasks_of(parse_spec(document), tmp_path)
    assert local_executor(task, 100, None)[1] == min(usable_cores(), 100)
    assert local_executor(task, 100, 7)[1] == 7
    assert local_executor(task, 3, 7)[1] == 3
    monkeypatch.setenv(LIMITS[0], "1")
    assert local_executor(task, 100, None)[1] == 1
    monkeypatch.delenv(LIMITS[0])
    monkeypatch.setattr(local_executors, "usable_cores", lambda: 8)
    (wide,) = tasks_of(parse_spec(document | {"engine": {"threads": 3}}), tmp_path)
    assert local_executor(wide, 9, None)[1] == 2


def test_a_run_that_fails_costs_the_others_nothing(native, tmp_path):
    diverging = native | {"optimizer": {"type": "sgd", "learning_rate": 1e200}, "name": "wild"}
    absent = native | {"data": {"train": {"type": "npz", "path": str(tmp_path / "no.npz")}}}
    tasks = tasks_of(parse_spec(native), tmp_path, [0, 1])
    tasks[1:1] = [
        *tasks_of(parse_spec(diverging), tmp_path),
        *tasks_of(parse_spec(absent | {"name": "absent"}), tmp_path),
    ]
    errors = {outcome.directory.name: outcome.error for outcome in executed(Threads(jobs=2), tasks)}
    assert errors["seed-0"] is errors["seed-1"] is None
    assert "the loss is" in errors["wild"]
    assert "no.npz" in errors["absent"]
    assert json.loads((tmp_path / "wild/manifest.json").read_text())["status"] == "failed"


def test_runs_that_are_interrupted_resume_to_the_same_bits(native, tmp_path, monkeypatch):
    spec = parse_spec(native | {"training": native["training"] | {"epochs": 20_000}})
    tasks = tasks_of(spec, tmp_path / "many", [0, 1, 2])
    deliver, delivered = ConcurrentRuns.deliver, []
    updates = Threads(jobs=2).execute(iter(tasks))

    def interrupt(runs):
        delivered.append(runs)
        if len(delivered) > 6:
            runs.stop.set()
        deliver(runs)

    with monkeypatch.context() as patch:
        patch.setattr(ConcurrentRuns, "deliver", interrupt)
        next(updates)
        updates.close()
    begun = [task.directory for task in tasks if (task.directory / "manifest.json").exists()]
    assert 0 < len(begun) < 3
    for directory in begun:
        assert json.loads((directory / "manifest.json").read_text())["status"] == "interrupted"
        assert list((directory / "checkpoints").iterdir())
    executed(Threads(jobs=2), tasks)
    for number, task in enumerate(tasks):
        alone = run(task.spec, out=tmp_path / f"alone-{number}")
        files, _ = folder(alone.directory)
        assert folder(task.directory)[0] == files


needs_proc = pytest.mark.skipif(not Path("/proc").exists(), reason="children are read from /proc")


def children():
    path = Path(f"/proc/{os.getpid()}/task")
    return {int(pid) for task in path.iterdir() for pid in (task / "children").read_text().split()}


@needs_proc
def test_a_worker_that_dies_fails_its_task_and_is_replaced(document, tmp_path):
    before = children()
    killed = []

    def kill(task, share):
        if not killed:
            (worker,) = children() - before
            os.kill(worker, signal.SIGKILL)
            killed.append(task.spec.seed)

    short = parse_spec(document)
    endless = parse_spec(document | {"training": {"epochs": 10**9, "log_every": 10**6}})
    tasks = [*tasks_of(endless, tmp_path / "a"), *tasks_of(short, tmp_path / "b", [1, 2])]
    outcomes = executed(WorkerProcesses(jobs=1), tasks, kill)
    assert killed == [endless.seed]
    assert [outcome.status for outcome in outcomes] == ["failed", "finished", "finished"]
    assert outcomes[0].error == "its worker process ended with exit status -9"
    assert children() == before


@needs_proc
def test_a_worker_that_exits_before_its_task_has_failed(document, tmp_path, monkeypatch):
    source = (
        "import os\nfrom declnet import Callback, hookimpl\n"
        "class Ends(Callback):\n    type = 'ends'\n    def start(self, context): os._exit(0)\n"
        "@hookimpl\ndef declnet_register(register): register(Ends)\n"
    )
    site = str(write_distribution(tmp_path / "site", "declnet-ends", source))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", site)
    document["training"]["callbacks"] = ["ends"]
    (outcome,) = executed(
        WorkerProcesses(jobs=1), tasks_of(parse_spec(document, discover()), tmp_path, [1])
    )
    assert outcome.status == "failed"
    assert outcome.error == "its worker process ended with exit status 0"


@needs_proc
def test_a_worker_reports_epochs_and_is_stopped(document, tmp_path, monkeypatch):
    monkeypatch.setattr(early_stops, "SECONDS_BETWEEN_REPORTS", 0.0)
    seen = []

    def stop_when(epoch):
        seen.append((epoch.epoch, epoch.metrics.keys() >= {"loss", "accuracy"}))
        return "enough" if epoch.epoch >= 1 else None

    endless = parse_spec(document | {"training": {**document["training"], "epochs": 10**7}})
    (task,) = tasks_of(endless, tmp_path)
    (outcome,) = executed(WorkerProcesses(jobs=2), [replace(task, stop_when=stop_when)])
    assert seen == [(number, True) for number in range(len(seen))]
    assert (outcome.error, outcome.stopped) == (None, "enough")


@needs_proc
def test_closing_the_iterator_ends_the_workers(document, tmp_path):
    before = children()
    endless = parse_spec(document | {"training": {"epochs": 10**9, "log_every": 10**6}})
    short = tasks_of(parse_spec(document), tmp_path, [0])
    updates = WorkerProcesses(jobs=2).execute(iter([*short, *tasks_of(endless, tmp_path, [1, 2])]))
    assert next(update.task for update in updates if update.answer is not None) == 0
    updates.close()
    assert children() == before


@needs_proc
def test_a_stopped_worker_completes_what_its_run_writes(document, tmp_path, monkeypatch):
    source = (
        "import time\nfrom declnet import Callback, hookimpl\n"
        "class Slow(Callback):\n    type = 'slow'\n"
        "    def failed(self, state, error): time.sleep(0.5)\n"
        "@hookimpl\ndef declnet_register(register): register(Slow)\n"
    )
    site = str(write_distribution(tmp_path / "site", "declnet-slow", source))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", site)
    document["training"] |= {"epochs": 10**9, "log_every": 1, "callbacks": ["slow"]}
    (endless,) = tasks_of(parse_spec(document, discover()), tmp_path, [1])
    updates = WorkerProcesses(jobs=1).execute(iter([endless]))
    assert next(updates).answer is None
    updates.close()
    manifest = json.loads((endless.directory / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
