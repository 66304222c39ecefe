"""Runs that are killed in epochs that are not logged, but monitored, and resumed: the same bits."""

from __future__ import annotations

import json

import pytest

from declnet import EpochFinished, EpochLogged, parse_spec, resume, run
from declnet.training import trainer as pace

FILES = ("weights.safetensors", "history.jsonl", "metrics.json")


class Kill(Exception):
    """Whatever ends a process."""


@pytest.fixture
def spec(document):
    """All callbacks that monitor, metrics of training and validation data, and few logged epochs.

    The learning rate falls several times, and the best epoch is not logged.
    """
    document["model"]["layers"][1:2] = ["relu", {"type": "dropout", "rate": 0.2}]
    document["data"]["validation"] = 0.3
    document["optimizer"] = {"type": "adam", "learning_rate": 0.2}
    document["training"] |= {
        "epochs": 60,
        "batch_size": 4,
        "log_every": 50,
        "metrics": ["accuracy", "f1"],
        "callbacks": [
            {"type": "early_stopping", "monitor": "validation_f1", "patience": 15},
            {"type": "reduce_on_plateau", "monitor": "loss", "patience": 3, "factor": 0.5},
            {"type": "checkpoint", "every_epochs": 7, "monitor": "accuracy", "keep_last": 2},
        ],
    }
    return parse_spec(document)


def manifest_of(directory):
    return json.loads((directory / "manifest.json").read_text())


def require_same(one, other):
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert manifest_of(one)["stopped"] == manifest_of(other)["stopped"]


@pytest.mark.parametrize("killed_in", [3, 8, 11, 16])
def test_killed_after_an_epoch_that_is_not_logged(spec, tmp_path, killed_in):
    whole = run(spec, out=tmp_path / "whole")
    assert "no improvement of validation_f1" in manifest_of(whole.directory)["stopped"]

    def kill(event):
        if isinstance(event, EpochFinished) and event.epoch == killed_in:
            assert not isinstance(event, EpochLogged)
            raise Kill

    with pytest.raises(Kill):
        run(spec, out=tmp_path / "out", listener=kill)
    resume(tmp_path / "out")
    require_same(whole.directory, tmp_path / "out")


def test_killed_within_epochs_that_are_not_logged(spec, document, tmp_path, monkeypatch):
    """A checkpoint within such an epoch includes the monitored metrics' partial counts."""
    monkeypatch.setattr(pace, "SIGN_OF_LIFE", -1.0)
    monkeypatch.setattr(pace, "PART", 0.0)
    document["training"]["callbacks"][2] |= {"every_minutes": 1e-9}
    spec, killed = parse_spec(document), []
    whole = run(spec, out=tmp_path / "whole")

    def kill(event):
        inside = not isinstance(event, EpochFinished) and event.epochs_done % 1
        if inside and event.epochs_done > 1 + 2.5 * len(killed):
            killed.append(event.epochs_done)
            raise Kill

    with pytest.raises(Kill):
        run(spec, out=tmp_path / "out", listener=kill)
    for _ in range(4):
        with pytest.raises(Kill):
            resume(tmp_path / "out", listener=kill)
    resume(tmp_path / "out")
    require_same(whole.directory, tmp_path / "out")
    steps = [each["from_step"] for each in manifest_of(tmp_path / "out")["resumed"]]
    assert len(set(killed)) == 5
    assert any(step % 6 for step in steps)
