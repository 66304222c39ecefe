"""Checkpoints, which are whole after a kill at any moment, and damaged ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from declnet.contracts.serialization import NotPlainError
from declnet.runs.storage.checkpoints import Checkpoints, packed, unpacked


def content(step):
    return {"training": {"weights": np.full(50, float(step))}, "step": step}


def write(checkpoints, step, best=False, keep_last=2):
    checkpoints.write(content(step), step // 10, step % 10, step, best, keep_last)


def steps(directory, notices=None):
    """Return the steps of complete checkpoints, newest first, after verifying their content."""
    numbers = []
    notices = [] if notices is None else notices
    for checkpoint, saved in Checkpoints(directory).read(notices.append):
        assert saved["step"] == checkpoint.step
        assert (saved["training"]["weights"] == checkpoint.step).all()
        numbers.append(checkpoint.step)
    return numbers


@pytest.fixture
def five(tmp_path):
    """Five checkpoints were written; the second is the best, and two others are kept."""
    checkpoints = Checkpoints(tmp_path)
    for step in (3, 5, 12, 20, 31):
        write(checkpoints, step, best=step == 5)
    return checkpoints


def names(directory):
    return sorted(path.name for path in (directory / "checkpoints").iterdir())


def test_the_newest_and_the_best_are_kept(five, tmp_path):
    assert steps(tmp_path) == [31, 20, 5]
    entry = json.loads((tmp_path / "checkpoints" / "index.json").read_text())[-1]
    assert (entry["epoch"], entry["batch"], entry["step"], entry["best"]) == (3, 1, 31, False)
    assert names(tmp_path) == [
        "index.json",
        *(f"step-{step:09}.safetensors" for step in (5, 20, 31)),
    ]
    write(five, 40, best=True)
    assert steps(tmp_path) == [40, 31]
    write(five, 50)
    write(five, 60)
    assert steps(tmp_path) == [60, 50, 40]


def test_two_checkpoints_of_one_step_are_written_once(five, tmp_path):
    before = (tmp_path / "checkpoints" / "step-000000031.safetensors").stat().st_mtime_ns
    write(five, 31, best=True)
    assert (tmp_path / "checkpoints" / "step-000000031.safetensors").stat().st_mtime_ns == before
    assert [entry.best for entry in five.entries] == [False, True]
    assert steps(tmp_path) == [31, 20]


def truncated(file):
    file.write_bytes(file.read_bytes()[:-1])


def one_bit_flipped(file):
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


def emptied(file):
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncated, one_bit_flipped, emptied, Path.unlink])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_used(five, tmp_path, damage):
    damage(tmp_path / "checkpoints" / "step-000000031.safetensors")
    notices = []
    assert steps(tmp_path, notices) == [20, 5]
    (notice,) = notices
    assert "step-000000031.safetensors is" in notice
    assert "using the previous checkpoint" in notice


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", "[1]", '[{"file": "x"}]', "[{}]", "null", '"text"',
     '[{"file": "../x", "epoch": 0, "batch": 0, "step": 0, "sha256": ""}]'],
)  # fmt: skip
def test_a_damaged_index_is_reported(five, tmp_path, text):
    (tmp_path / "checkpoints" / "index.json").write_text(text)
    notices = []
    assert steps(tmp_path, notices) == []
    (notice,) = notices
    assert "index.json is damaged" in notice


def test_continuing_from_a_checkpoint_removes_later_ones(five, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    chosen = [checkpoint for checkpoint, _ in checkpoints.read(print)][1]
    (tmp_path / "checkpoints" / ".step-000000031.safetensors.123").write_text("half")
    (tmp_path / "checkpoints" / "step-000000099.safetensors").write_text("never indexed")
    checkpoints.rewind(chosen)
    assert steps(tmp_path) == [20, 5]
    assert names(tmp_path) == ["index.json", *(f"step-{step:09}.safetensors" for step in (5, 20))]
    checkpoints.clear()
    assert not (tmp_path / "checkpoints").exists()


class Killed(BaseException):
    """Raised in place of a kill."""


def calls_that_change_files(monkeypatch, fatal):
    """Stop just before the call with this number; return the number of calls."""
    count = [0]

    def counted(owner, name):
        original = getattr(owner, name)

        def call(*arguments, **options):
            count[0] += 1
            if count[0] == fatal:
                raise Killed
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, call)

    for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync")):
        counted(owner, name)
    return count


def test_a_kill_between_any_two_calls_leaves_whole_checkpoints(tmp_path, monkeypatch):
    fatal, seen = 0, set()
    while True:
        fatal += 1
        directory = tmp_path / str(fatal)
        directory.mkdir()
        checkpoints = Checkpoints(directory)
        for step in (3, 5):
            write(checkpoints, step, best=step == 3)
        with monkeypatch.context() as patch:
            count = calls_that_change_files(patch, fatal)
            try:
                write(checkpoints, 12, keep_last=1)
                write(checkpoints, 20, best=True, keep_last=1)
            except Killed:
                pass
        notices = []
        written = steps(directory, notices)
        assert notices == []
        seen.add(tuple(written))
        if count[0] < fatal:
            break
    assert seen == {(5, 3), (12, 3), (20,)}
    assert fatal > 10


def test_a_file_holds_numbers_and_json_and_nothing_is_unpickled():
    data = packed({"a": [1, {"b": np.arange(3)}], "c": float("inf")})
    state = unpacked(data)
    assert state["a"][1]["b"].tolist() == [0, 1, 2]
    assert state["c"] == float("inf")
    assert b"pickle" not in data
    with pytest.raises(NotPlainError):
        packed({"a": object()})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 100,
        packed({"a": 1})[:-1],
        packed({})[:9],
        save({"a": np.zeros(3)}),
        save({"a": np.zeros(3)}, {"declnet.checkpoint.1": '{"a": {"array": "b"}}'}),
    ],
)
def test_other_bytes_are_not_a_checkpoint(data):
    with pytest.raises(ValueError, match="not a checkpoint of format"):
        unpacked(data)
