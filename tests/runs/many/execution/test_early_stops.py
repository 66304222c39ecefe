"""Runs elsewhere are stopped early: by reports, by files, or not at all, which is said."""

from __future__ import annotations

import json

import pytest

from declnet import (
    DeclnetWarning,
    default_registry,
    parse_spec,
)
from declnet.runs.many.execution import early_stops
from declnet.runs.many.execution.executors import on_executor
from declnet.runs.many.execution.tasks import Task

from ....testing.right.executors import InThread

EPOCHS = 12


@pytest.fixture
def judged(document, tmp_path, monkeypatch):
    """Carry out a run that is stopped after its third epoch; return outcome and judged epochs."""
    monkeypatch.setattr(early_stops, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(early_stops, "SECONDS_BETWEEN_LOOKS", 0.0)
    document["data"]["validation"] = 0.25
    document["training"]["epochs"] = EPOCHS

    def carry_out(executor):
        seen = []

        def stop_when(epoch):
            seen.append((epoch.epoch, epoch.metric("validation_accuracy")))
            return "behind" if epoch.epoch == 2 else None

        parent = tmp_path / "all"
        task = Task(parse_spec(document), parent / "0001", stop_when=stop_when)
        (outcome,) = on_executor([task], executor, parent, default_registry(), (), lambda *_: None)
        rows = [
            json.loads(line) for line in (parent / "0001/history.jsonl").read_text().splitlines()
        ]
        assert seen == [(row["epoch"], row["validation_accuracy"]) for row in rows]
        assert [each.name for each in parent.iterdir()] == ["0001"]
        return outcome, len(seen)

    return carry_out


@pytest.mark.parametrize(
    "executor",
    [
        InThread(passes_reports_on=True),
        InThread(passes_reports_on=True, is_elsewhere=True),
        InThread(),
    ],
    ids=["reports", "reports without a shared file system", "a shared file system"],
)
def test_a_run_elsewhere_is_stopped_where_it_would_be_here(judged, executor):
    outcome, epochs = judged(executor)
    assert (outcome.error, outcome.stopped, epochs) == (None, "behind", 3)


def test_without_either_it_is_said_that_no_run_is_stopped_and_each_epoch_counts(judged):
    with pytest.warns(DeclnetWarning, match='"in_thread" passes no reports on, and shares no'):
        outcome, epochs = judged(InThread(is_elsewhere=True))
    assert (outcome.error, outcome.stopped, epochs) == (None, None, EPOCHS)


def test_a_run_that_begins_anew_is_not_judged_twice(document, tmp_path):
    seen = []
    task = Task(parse_spec(document), tmp_path / "0001", stop_when=seen.append)
    judge = early_stops.Judged(task, tmp_path)
    rows = [{"epoch": number, "learning_rate": 0.1, "loss": None} for number in range(3)]
    judge.hear(json.dumps(rows[:2]), None)
    judge.hear(json.dumps(rows), None)
    assert [each.epoch for each in seen] == [0, 1, 2]
    assert seen[0].metric("loss") != seen[0].metric("loss")
