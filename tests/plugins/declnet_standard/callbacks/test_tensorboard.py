"""tensorboard: written events, read with TensorBoard's own reader."""

from __future__ import annotations

import importlib.util

import pytest
from pydantic import ValidationError

from declnet import parse_spec, resume, run
from declnet.contracts.callback import EpochLogged
from declnet.training.checks.check import check_spec
from declnet_standard.callbacks import TensorBoard

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed"
)


def read(folder):
    """The values of each tag by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: {each.step: each.value for each in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


@pytest.fixture
def spec(document):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"epochs": 8, "log_every": 2}
    document["training"]["callbacks"] = [
        "tensorboard",
        {"type": "checkpoint", "every_epochs": 3},
    ]
    return parse_spec(document)


@needs_tensorboard
def test_the_history_is_what_tensorboard_reads(spec, tmp_path):
    result = run(spec, out=tmp_path / "out")
    found = read(tmp_path / "out" / "tensorboard")
    for row in result.history:
        assert found["loss/train"][row["epoch"]] == pytest.approx(row["loss"])
        assert found["accuracy/validation"][row["epoch"]] == pytest.approx(
            row["validation_accuracy"]
        )
        assert found["learning_rate"][row["epoch"]] == pytest.approx(row["learning_rate"])
    assert set(found["loss/train"]) == {0, 2, 4, 6, 7}
    assert found["loss/test"] == {8: pytest.approx(result.metrics["test"]["loss"])}


@needs_tensorboard
def test_a_resumed_run_has_each_epoch_once(spec, tmp_path):
    whole = run(spec, out=tmp_path / "whole")

    def fail(event):
        if isinstance(event, EpochLogged) and event.epoch == 6:
            raise ValueError("a failure")

    with pytest.raises(ValueError, match="a failure"):
        run(spec, out=tmp_path / "out", listener=fail)
    assert set(read(tmp_path / "out" / "tensorboard")["loss/train"]) == {0, 2, 4}
    resume(tmp_path / "out")
    found = read(tmp_path / "out" / "tensorboard")
    assert found == read(whole.directory / "tensorboard")


@needs_tensorboard
def test_without_a_folder_nothing_is_written(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    run(spec)
    assert sorted(tmp_path.rglob("*")) == before


def test_where_it_is_missing_that_is_told_before_the_run(spec, monkeypatch):
    monkeypatch.setattr("declnet_standard.callbacks.logs.find_spec", lambda name: None)
    (problem,) = check_spec(spec).problems
    assert "needs TensorBoard" in problem.message
    assert problem.help == 'pip install "declnet[tensorboard]"'


@pytest.mark.parametrize("folder", ["", "a/b", "..", ".x", "/tmp"])
def test_only_a_folder_in_the_runs_folder_is_written(folder):
    with pytest.raises(ValidationError, match="a folder in the run's folder"):
        TensorBoard(folder=folder)
