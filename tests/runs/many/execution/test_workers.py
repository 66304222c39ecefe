from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from declnet import discover, parse_spec
from declnet.runs.many.execution.tasks import Task, tasks_of
from declnet.runs.many.execution.workers import at_once

from ....distributions import write_distribution

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="children are read from /proc")


def children():
    own = Path(f"/proc/{os.getpid()}/task")
    return {int(each) for task in own.iterdir() for each in (task / "children").read_text().split()}


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
    tasks = [
        Task(endless, tmp_path / "endless"),
        *tasks_of(short, [1, 2], tmp_path),
    ]
    outcomes = list(at_once(tasks, 1, [], kill))
    assert killed == [endless.seed]
    assert [each.status for each in outcomes] == ["failed", "finished", "finished"]
    assert outcomes[0].error == "its worker process ended with exit status -9"
    assert children() == before


def test_a_worker_that_ends_before_its_task_has_failed(document, tmp_path, monkeypatch):
    source = (
        "import os\nfrom declnet import Callback, hookimpl\n"
        "class Ends(Callback):\n    type = 'ends'\n    def start(self, context): os._exit(0)\n"
        "@hookimpl\ndef declnet_register(register): register(Ends)\n"
    )
    site = str(write_distribution(tmp_path / "site", "declnet-ends", source))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", site)
    document["training"]["callbacks"] = ["ends"]
    (task,) = tasks_of(parse_spec(document, discover()), [1], tmp_path)
    (outcome,) = at_once([task], 1, [], lambda task, share: None)
    assert outcome.status == "failed"
    assert outcome.error == "its worker process ended with exit status 0"


def test_a_worker_asks_this_process_whether_an_epoch_is_the_last(document, tmp_path):
    seen = []

    def stop_when(epoch):
        seen.append((epoch.epoch, epoch.metrics.keys() >= {"loss", "accuracy"}))
        return "enough" if epoch.epoch == 1 else None

    endless = parse_spec(document | {"training": {**document["training"], "epochs": 10**6}})
    task = Task(endless, tmp_path / "run", stop_when=stop_when)
    (outcome,) = at_once(iter([task]), 2, [], lambda task, share: None)
    assert seen == [(0, True), (1, True)]
    assert (outcome.error, outcome.stopped) == (None, "enough")
    assert json.loads((tmp_path / "run/manifest.json").read_text("utf-8"))["epochs"] == 2


def test_whoever_stops_listening_ends_the_workers(document, tmp_path):
    before = children()
    endless = parse_spec(document | {"training": {"epochs": 10**9, "log_every": 10**6}})
    tasks = [*tasks_of(parse_spec(document), [0], tmp_path), *tasks_of(endless, [1, 2], tmp_path)]
    outcomes = at_once(tasks, 2, [], lambda task, share: None)
    assert next(outcomes).seed == 0
    outcomes.close()
    assert children() == before
