"""Tests of sweep workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from declnet import default_registry, parse_spec
from declnet.runs.sweep import Task, tasks_of
from declnet.runs.sweep_workers import at_once, one_after_another

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="children are read from /proc")


def children():
    own = Path(f"/proc/{os.getpid()}/task")
    return {int(each) for task in own.iterdir() for each in (task / "children").read_text().split()}


def ignore(task, share):
    pass


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


def test_both_ways_give_the_same_outcomes_and_tell_of_progress(document, tmp_path):
    spec = parse_spec(document)
    shares = []
    alone = list(
        one_after_another(
            tasks_of(spec, [3, 5], tmp_path / "a"),
            default_registry(),
            lambda task, share: shares.append((task.spec.seed, share)),
        )
    )
    many = sorted(
        at_once(tasks_of(spec, [3, 5], tmp_path / "b"), 2, [], ignore),
        key=lambda outcome: outcome.seed,
    )
    assert [each.metrics for each in alone] == [each.metrics for each in many]
    assert [each.seed for each in alone] == [3, 5]
    assert (3, 1.0) in shares
    assert (5, 1 / 3) in shares


def test_whoever_stops_listening_ends_the_workers(document, tmp_path):
    before = children()
    endless = parse_spec(document | {"training": {"epochs": 10**9, "log_every": 10**6}})
    outcomes = at_once(
        [
            *tasks_of(parse_spec(document), [0], tmp_path),
            *tasks_of(endless, [1, 2], tmp_path),
        ],
        2,
        [],
        ignore,
    )
    assert next(outcomes).seed == 0
    outcomes.close()
    assert children() == before
