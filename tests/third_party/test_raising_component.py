"""A component that raises in the middle of a run is named, and the folder stays sound."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("environment")

SOURCE = """
import numpy as np
from declnet import Layer, hookimpl

class Brittle(Layer):
    "y = x, until it has seen enough."
    type = "brittle"
    def forward(self, x, y, state):
        np.copyto(y, x)
        if state.training and state.rng.random() < 0.1:
            raise ZeroDivisionError("seen {enough} of it")
    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.copyto(dx, dy)

@hookimpl
def declnet_register(register):
    register(Brittle)
"""


def test_the_culprit_is_named_with_its_distribution(environment, write_distribution, tmp_path):
    environment.install(write_distribution(tmp_path, "declnet-brittle", SOURCE, version="3.1"))
    spec, out = tmp_path / "spec.json", tmp_path / "out"
    document = {
        "declnet": 1,
        "data": {"train": {"type": "nnfs_vertical", "samples": 10, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "brittle", "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1000},
    }
    spec.write_text(json.dumps(document))
    done = environment.declnet("run", spec, "--out", out)
    environment.uninstall("declnet-brittle")
    assert done.returncode == 1
    assert 'layer "brittle" of plugin declnet_brittle (declnet-brittle 3.1) raised' in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "seen {enough} of it" in done.stderr
    assert "Traceback" not in done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert "brittle" in manifest["error"]
    history = (out / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in history] == list(range(len(history)))
