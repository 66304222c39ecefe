"""Early stops of runs on other machines: by reports, by files, or unavailable with a note."""

from __future__ import annotations

import json

import pytest

from declnet import (
    DeclnetWarning,
    Task,
    parse_spec,
)
from declnet.runs.many import early_stops
from declnet.runs.many.group import Group
from declnet.runs.many.group_file import GroupFile
from declnet.runs.many.training import Training

from ...testing.right.executors import InThread

EPOCHS = 12


@pytest.fixture
def stopped(document, tmp_path, monkeypatch):
    """Carry out a run that is stopped after its third epoch; return outcome and reported epochs."""
    monkeypatch.setattr(early_stops, "SECONDS_BETWEEN_REPORTS", 0.0)
    monkeypatch.setattr(early_stops, "SECONDS_BETWEEN_POLLS", 0.0)
    document["data"]["validation"] = 0.25
    document["training"]["epochs"] = EPOCHS

    def carry_out(executor):
        parent, seen, task = tmp_path / "all", [], Task("0001")
        parent.mkdir()
        file = GroupFile.of_spec(parse_spec(document), [task], kind="seeds")

        class Stopping(Training):
            def _run_of(self, task, marker):
                run = super()._run_of(task, marker)
                run.stop_when = stop_when
                return run

        def stop_when(epoch):
            seen.append((epoch.epoch, epoch.metric("validation_accuracy")))
            return "behind" if epoch.epoch == 2 else None

        training = Stopping(Group(parent, file))
        training.train(executor)
        rows = [
            json.loads(line) for line in (parent / "0001/history.jsonl").read_text().splitlines()
        ]
        assert seen == [(row["epoch"], row["validation_accuracy"]) for row in rows]
        assert not [path.name for path in parent.iterdir() if path.name.startswith(".")]
        return training.outcomes()[0], len(seen)

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
def test_a_run_elsewhere_is_stopped_at_the_same_epoch_as_here(stopped, executor):
    outcome, epochs = stopped(executor)
    assert (outcome.error, outcome.stopped, epochs) == (None, "behind", 3)


def test_without_either_a_note_says_that_runs_are_not_stopped_and_each_epoch_counts(stopped):
    with pytest.warns(DeclnetWarning, match='"in_thread" passes no reports on, and shares no'):
        outcome, epochs = stopped(InThread(is_elsewhere=True))
    assert (outcome.error, outcome.stopped, epochs) == (None, None, EPOCHS)


def test_a_run_that_starts_over_reports_no_epoch_twice(tmp_path):
    seen = []
    run = early_stops.RemoteRun(tmp_path / "0001", seen.append, tmp_path)
    rows = [{"epoch": number, "learning_rate": 0.1, "loss": None} for number in range(3)]
    run.receive_report(json.dumps(rows[:2]), None)
    run.receive_report(json.dumps(rows), None)
    assert [event.epoch for event in seen] == [0, 1, 2]
    assert seen[0].metric("loss") != seen[0].metric("loss")
