"""csv_log and tensorboard: their files, read with the programs they are meant for."""

from __future__ import annotations

import csv
import importlib.util

import pytest
from pydantic import ValidationError

from declnet import parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.callbacks.logs import CsvLog, TensorBoard


def test_the_table_is_the_history_with_all_digits(document, tmp_path):
    document["data"]["validation"] = 0.2
    document["training"]["callbacks"] = ["csv_log"]
    result = run(parse_spec(document), out=tmp_path / "out")
    with (tmp_path / "out" / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == result.history
    assert list(rows[0]) == list(result.history[0])


def test_rows_written_after_a_checkpoint_are_cut_off(follow, played, tmp_path):
    callback, run = CsvLog(path="table.csv"), played(tmp_path)
    run, state = follow(callback, [3, 2], run=run)
    saved, before = callback.save(state), (tmp_path / "table.csv").read_bytes()
    for loss in (9, 9):
        follow(callback, [loss], run=played(tmp_path), saved=saved, first=2)
    assert (tmp_path / "table.csv").read_bytes() == before + b"2,9,9,0.1,9,9\n"
    callback.restore(played(tmp_path), saved)
    assert (tmp_path / "table.csv").read_bytes() == before


def test_a_table_that_is_shorter_than_it_was_is_reported(follow, played, tmp_path):
    callback = CsvLog()
    _, state = follow(callback, [3, 2], run=played(tmp_path))
    saved = callback.save(state)
    (tmp_path / "history.csv").write_text("epoch\n")
    with pytest.raises(ValueError, match=r"history\.csv is shorter"):
        callback.restore(played(tmp_path), saved)


@pytest.mark.parametrize(
    "path",
    ["", "a/b.csv", "../a.csv", "/tmp/a.csv", "a\\b.csv", ".hidden", "..", "history.jsonl",
     "weights.safetensors", "manifest.json", "spec.toml"],
)  # fmt: skip
def test_only_a_new_file_in_the_folder_of_the_run_is_written(path):
    with pytest.raises(ValidationError, match="the run itself does not use"):
        CsvLog(path=path)


needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed"
)


def read(folder):
    """The values of each tag by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: {scalar.step: scalar.value for scalar in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


@pytest.fixture
def events_spec(document):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"epochs": 8, "log_every": 2}
    document["training"]["callbacks"] = [
        "tensorboard",
        {"type": "checkpoint", "every_epochs": 3},
    ]
    return parse_spec(document)


@needs_tensorboard
def test_tensorboard_reads_the_history(events_spec, tmp_path):
    result = run(events_spec, out=tmp_path / "out")
    actual = read(tmp_path / "out" / "tensorboard")
    for row in result.history:
        assert actual["loss/train"][row["epoch"]] == pytest.approx(row["loss"])
        assert actual["accuracy/validation"][row["epoch"]] == pytest.approx(
            row["validation_accuracy"]
        )
        assert actual["learning_rate"][row["epoch"]] == pytest.approx(row["learning_rate"])
    assert set(actual["loss/train"]) == {0, 2, 4, 6, 7}
    assert actual["loss/test"] == {8: pytest.approx(result.metrics["test"]["loss"])}


@needs_tensorboard
def test_a_resumed_run_has_each_epoch_once(events_spec, tmp_path):
    whole = run(events_spec, out=tmp_path / "whole")

    def fail(event):
        if isinstance(event, EpochLogged) and event.epoch == 6:
            raise ValueError("a failure")

    with pytest.raises(ValueError, match="a failure"):
        run(events_spec, out=tmp_path / "out", listener=fail)
    assert set(read(tmp_path / "out" / "tensorboard")["loss/train"]) == {0, 2, 4}
    resume(tmp_path / "out")
    result = read(tmp_path / "out" / "tensorboard")
    assert result == read(whole.directory / "tensorboard")


def test_missing_tensorboard(events_spec, monkeypatch):
    monkeypatch.setattr("declnet_plugins.standard.callbacks.logs.find_spec", lambda name: None)
    (problem,) = check_spec(events_spec).problems
    assert "needs TensorBoard" in problem.message
    assert problem.help == 'pip install "declnet[tensorboard]"'


@pytest.mark.parametrize("folder", ["", "a/b", "..", ".x", "/tmp"])
def test_only_a_new_folder_in_the_folder_of_the_run_is_written(folder):
    with pytest.raises(ValidationError, match="a folder in the run's folder"):
        TensorBoard(folder=folder)
