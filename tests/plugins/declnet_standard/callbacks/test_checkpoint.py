from __future__ import annotations

import json

import numpy as np
import pytest

from declnet import EpochFinished, parse_spec, run
from declnet.runs.checkpoints import unpacked
from declnet.training import trainer as pace
from declnet_standard.callbacks import Checkpoint


def test_it_says_when_to_write_again_when_it_is_restored(follow):
    callback = Checkpoint(every_epochs=5, every_minutes=2.0, keep_last=4)
    plan = {"every_epochs": 5, "every_seconds": 120.0, "keep_last": 4}
    first, state = follow(callback, [])
    again, _ = follow(callback, [], saved=callback.save(state))
    assert first.plans == again.plans == [plan]


def test_it_asks_for_the_best_of_the_monitored_alone(follow):
    losses = [3, 2, 2.5, 1, 4]
    assert follow(Checkpoint(), losses)[0].best == []
    found, state = follow(Checkpoint(monitor="loss"), losses)
    assert found.best == [0, 1, 3]
    saved = Checkpoint(monitor="loss").save(state)
    assert follow(Checkpoint(monitor="loss"), [2, 0.5], saved=saved)[0].best == [1]


def test_the_best_may_be_an_epoch_that_is_not_logged(follow):
    losses = [3, 2, 2.5, 1, 4, 0.5]
    found, _ = follow(Checkpoint(monitor="loss"), losses, log_every=4)
    assert found.best == [0, 1, 3, 5]


def test_what_the_first_edition_saved_is_restored(follow):
    found, _ = follow(Checkpoint(monitor="loss"), [2, 0.5], saved={"best": 1.5}, first=7)
    assert found.best == [8]


def index_of(directory):
    return json.loads((directory / "checkpoints" / "index.json").read_text())


@pytest.fixture
def checkpointed(document, tmp_path):
    def go(*others, **fields):
        document["training"]["callbacks"] = [{"type": "checkpoint", **fields}, *others]
        return run(parse_spec(document), out=tmp_path / "out")

    return go


def test_epochs_count_that_are_not_logged(checkpointed, document):
    document["training"] |= {"epochs": 100, "log_every": 50}
    directory = checkpointed(every_epochs=7, keep_last=3).directory
    assert [each["epoch"] for each in index_of(directory)] == [84, 91, 98]
    assert len(list((directory / "checkpoints").iterdir())) == 4


def test_several_plans_are_all_kept(checkpointed, document):
    document["training"] |= {"epochs": 20, "log_every": 50}
    other = {"type": "checkpoint", "every_epochs": 6, "keep_last": 9}
    directory = checkpointed(other, every_epochs=4, keep_last=1).directory
    assert [each["epoch"] for each in index_of(directory)] == [4, 6, 8, 12, 16, 18, 20]


def test_minutes_count_within_an_epoch(checkpointed, document, monkeypatch):
    monkeypatch.setattr(pace, "SIGN_OF_LIFE", -1.0)
    monkeypatch.setattr(pace, "PART", 0.0)
    document["training"] |= {"epochs": 2, "batch_size": 10}
    directory = checkpointed(every_minutes=1e-9, keep_last=9).directory
    found = [(each["epoch"], each["batch"]) for each in index_of(directory)]
    assert found == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]


def test_the_best_has_the_weights_of_the_best_epoch(checkpointed, document):
    document["optimizer"]["learning_rate"] = 3.0
    document["training"] |= {"epochs": 30, "batch_size": 7}
    result = checkpointed(monitor="loss")
    (best,) = [each for each in index_of(result.directory) if each["best"]]
    losses = [row["loss"] for row in result.history]
    assert best["epoch"] == int(np.argmin(losses)) + 1
    saved = unpacked((result.directory / "checkpoints" / best["file"]).read_bytes())
    document["training"] |= {"epochs": best["epoch"], "callbacks": []}
    expected = run(parse_spec(document)).model.parameters()
    found = saved["training"]["parameters"]
    assert all((found[key] == expected[key]).all() for key in expected)


def test_the_best_of_a_run_may_be_an_epoch_that_is_not_logged(checkpointed, document):
    document["optimizer"]["learning_rate"] = 3.0
    document["training"] |= {"epochs": 30, "batch_size": 7}
    losses = [row["loss"] for row in run(parse_spec(document)).history]
    expected = int(np.argmin(losses)) + 1
    document["training"]["log_every"] = 25
    (best,) = [each for each in index_of(checkpointed(monitor="loss").directory) if each["best"]]
    assert best["epoch"] == expected
    assert (expected - 1) % 25 != 0


def test_without_a_metric_it_leaves_epochs_alone_that_are_not_logged(document, tmp_path):
    """Such epochs run without a pause, as if there were no callback."""
    document["training"] |= {"epochs": 40, "log_every": 20, "callbacks": ["checkpoint"]}
    events = []
    run(parse_spec(document), out=tmp_path / "out", listener=events.append)
    finished = [each.epoch for each in events if isinstance(each, EpochFinished)]
    assert finished == [0, 20, 39]


def test_without_a_folder_nothing_is_written(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 1}]
    before = sorted(tmp_path.iterdir())
    run(parse_spec(document))
    assert sorted(tmp_path.iterdir()) == before
