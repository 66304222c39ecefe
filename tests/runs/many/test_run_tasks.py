"""Tasks as text: the requirements of the process that runs them, and its errors."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from declnet import Task, default_registry, execute_task, parse_spec
from declnet.runs.many.run_tasks import Answer, RunTask, at_intervals
from declnet.runs.storage.folder import locked


@pytest.fixture
def task(document, tmp_path):
    spec, folder = parse_spec(document), tmp_path / "all/seed-1"
    return RunTask(Task("seed-1"), spec, folder, tmp_path, default_registry())


def outcome(task, marker, **changes):
    """Carry out a task as text, with some keys replaced."""
    text = replace(task, marker=marker).text
    answer = Answer.unpacked(execute_task(json.dumps(json.loads(text) | changes)))
    return task.outcome(**answer.outcome)


@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ({"declnet": "9.9"}, "9.9; install the same versions on both"),
        ({"declnet-wave": "1.2"}, "does not have declnet-wave, and elsewhere 1.2"),
    ],
)
def test_other_versions_are_an_error_of_the_run(versions, problem, task, tmp_path):
    changes = {"host": "elsewhere", "versions": versions}
    failed = outcome(task, tmp_path, **changes)
    assert problem in failed.error
    assert failed.error.startswith("on ")
    assert outcome(replace(task, allow_changes=True), tmp_path, **changes).error is None


def test_missing_data_on_the_other_machine_is_an_error_that_names_it(task, tmp_path):
    (tmp_path / "data.npz").unlink()
    failed = outcome(task, tmp_path / "absent", host="here")
    assert "data.npz" in failed.error
    assert failed.error.startswith("on ")


def test_a_task_waits_for_a_process_that_is_about_to_leave_its_run(task, tmp_path):
    task.directory.mkdir(parents=True)
    held, leave = threading.Event(), threading.Event()

    def hold():
        with locked(task.directory):
            held.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(0.2, leave.set).start()
    assert outcome(task, tmp_path).error is None
    thread.join()


def test_progress_is_not_reported_more_often_than_the_heartbeat():
    reported = []
    progress = at_intervals(reported.append)
    for share in (0.1, 0.2, 0.3):
        progress(share)
    assert reported == [0.1]
