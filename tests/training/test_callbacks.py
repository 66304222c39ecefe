"""Callbacks in specs: their notifications and errors."""

from __future__ import annotations

import json

import pytest

from declnet import Callback, ComponentError, parse_spec, run
from declnet.testing.examples import registry_with

TOLD = []


class Watch(Callback):
    type = "follower"

    label: str = "w"
    raise_at: int | None = None

    def start(self, run):
        TOLD.append((self.label, "start", run.name, run.epochs, run.directory))
        return {"run": run, "epochs": 0}

    def epoch_finished(self, state, epoch):
        state["epochs"] += 1
        TOLD.append((self.label, "epoch", epoch.epoch, sorted(epoch.metrics)))
        if epoch.epoch == self.raise_at:
            raise ZeroDivisionError("in a callback")

    def finished(self, state, metrics):
        TOLD.append((self.label, "finished", state["epochs"], sorted(metrics)))

    def failed(self, state, error):
        TOLD.append((self.label, "failed", type(error).__name__))


@pytest.fixture
def log():
    TOLD.clear()
    return TOLD


@pytest.fixture
def watched(document, log):
    registry = registry_with([Watch])

    def go(*callbacks, out=None):
        document["training"]["callbacks"] = list(callbacks)
        return run(parse_spec(document, registry), registry=registry, out=out)

    return go


def test_a_callback_is_notified_of_the_whole_run(watched, log):
    watched("follower")
    assert log[0] == ("w", "start", "small", 3, None)
    figures = ["accuracy", "data_loss", "loss", "regularization_loss"]
    assert log[1:4] == [("w", "epoch", epoch, figures) for epoch in range(3)]
    assert log[4:] == [("w", "finished", 3, ["train"])]


def test_an_error_names_the_callback_and_all_are_notified_of_the_failure(watched, log, tmp_path):
    with pytest.raises(
        ComponentError, match=r'callback "follower".*ZeroDivisionError.*in a callback'
    ):
        watched(
            {"type": "follower", "raise_at": 0},
            {"type": "follower", "label": "b"},
            out=tmp_path / "out",
        )
    assert [entry[:2] for entry in log if entry[1] == "failed"] == [
        ("w", "failed"),
        ("b", "failed"),
    ]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "failed"
