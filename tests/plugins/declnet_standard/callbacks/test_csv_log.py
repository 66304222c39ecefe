from __future__ import annotations

import csv

import pytest
from pydantic import ValidationError

from declnet import parse_spec, run
from declnet_standard.callbacks import CsvLog


def test_the_table_is_the_history_with_all_digits(document, tmp_path):
    document["data"]["validation"] = 0.2
    document["training"]["callbacks"] = ["csv_log"]
    result = run(parse_spec(document), out=tmp_path / "out")
    with (tmp_path / "out" / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == result.history
    assert list(rows[0]) == list(result.history[0])


def test_what_was_written_after_a_checkpoint_is_cut_off(follow, played, tmp_path):
    callback, run = CsvLog(path="table.csv"), played(tmp_path)
    run, state = follow(callback, [3, 2], run=run)
    saved, before = callback.save(state), (tmp_path / "table.csv").read_bytes()
    for loss in (9, 9):
        follow(callback, [loss], run=played(tmp_path), saved=saved, first=2)
    assert (tmp_path / "table.csv").read_bytes() == before + b"2,9,9,0.1,9,9\n"
    callback.restore(played(tmp_path), saved)
    assert (tmp_path / "table.csv").read_bytes() == before


def test_a_table_that_is_shorter_than_it_was_is_told(follow, played, tmp_path):
    callback = CsvLog()
    _, state = follow(callback, [3, 2], run=played(tmp_path))
    saved = callback.save(state)
    (tmp_path / "history.csv").write_text("epoch\n")
    with pytest.raises(ValueError, match=r"history\.csv is shorter"):
        callback.restore(played(tmp_path), saved)


def test_without_a_folder_nothing_is_written(follow):
    _, state = follow(CsvLog(), [3, 2])
    assert state.size > 0


@pytest.mark.parametrize(
    "path",
    ["", "a/b.csv", "../a.csv", "/tmp/a.csv", "a\\b.csv", ".hidden", "..", "history.jsonl",
     "weights.safetensors", "manifest.json", "spec.toml"],
)  # fmt: skip
def test_only_a_file_of_its_own_in_the_folder_is_written(path):
    with pytest.raises(ValidationError, match="a file of its own"):
        CsvLog(path=path)
