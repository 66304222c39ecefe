"""Trainings with compiled kernels: NumPy's results but for rounding, the same bits each time."""

from __future__ import annotations

import json

import numpy as np
import pytest

import declnet
from declnet import ResumeError, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged

pytestmark = pytest.mark.usefixtures("numba")


def trained(document, kernels, data=None, out=None):
    return run(parse_spec({**document, "engine": {"kernels": kernels}}), data=data, out=out)


def engine_of(directory):
    return json.loads((directory / "manifest.json").read_text())["engine"]


@pytest.mark.parametrize(
    ("dtype", "close", "epochs"),
    [("float64", 1e-9, 61), ("float32", 1e-4, 9)],  # rounding doubles every few steps
)
def test_the_spiral_agrees_with_numpy(spiral, dtype, close, epochs):
    spiral["model"]["dtype"] = dtype
    spiral["training"] |= {"epochs": epochs, "log_every": 4, "metrics": []}
    jit, numpy = (trained(spiral, kernels) for kernels in ("jit", "numpy"))
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=close, abs=close)


@pytest.mark.parametrize("batch_size", [None, 32])
def test_parts_that_have_no_kernel_run_beside_those_that_have(spiral, blobs, batch_size):
    spiral["model"]["dtype"] = "float64"
    spiral["model"]["layers"][1:1] = [
        "layer_norm",  # batch_norm leaves biases no gradient but rounding, which Adam enlarges
        "tanh",
        {"type": "dense", "units": 40},
        "relu",
        {"type": "dropout", "rate": 0.1},
    ]
    spiral["model"]["layers"][-2] = {"type": "dense", "units": 4}
    spiral["training"] = {"epochs": 5, "clip_norm": 1.0, "metrics": ["accuracy"]}
    if batch_size:
        spiral["training"]["batch_size"] = batch_size
    del spiral["data"]["train"]
    spiral["data"] |= {"validation": 0.2, "class_weights": "balanced"}
    jit, numpy = (trained(spiral, kernels, blobs) for kernels in ("jit", "numpy"))
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_layers_over_sequences_have_kernels(spiral, tmp_path):
    x = np.random.default_rng(5).normal(size=(60, 4, 3))
    steps = [{"type": "dense", "units": 5}, "relu", {"type": "dense", "units": 6}, "flatten"]
    spiral["model"] = {"dtype": "float64", "layers": [*steps, {"type": "dense", "units": 3}]}
    del spiral["data"]
    spiral |= {"loss": "mean_squared_error", "training": {"epochs": 5, "metrics": []}}
    data = (x, x[:, 0] + x[:, 1])
    jit, numpy = (trained(spiral, each, data, tmp_path / each) for each in ("jit", "numpy"))
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert jit.history[-1]["loss"] < jit.history[0]["loss"]
    assert "dense_relu_jit" in engine_of(tmp_path / "jit")["kernels"]


def test_each_group_has_a_kernel_of_its_own(spiral, tmp_path):
    spiral["model"]["dtype"] = "float64"
    spiral["optimizer"]["groups"] = [
        {"parameters": ["*.biases"], "beta_1": 0.5},
        {"parameters": ["dense_2.*"], "type": "sgd", "learning_rate": 0.1},
    ]
    spiral["training"] |= {"epochs": 9, "log_every": 1, "metrics": []}
    jit, numpy = trained(spiral, "jit", out=tmp_path / "jit"), trained(spiral, "numpy")
    assert "adam_jit" in engine_of(tmp_path / "jit")["kernels"]
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("places", [(0,), (2,), (0, 2), (0, 1)])
def test_kernels_leave_frozen_layers_alone(spiral, places, tmp_path):
    spiral["model"]["dtype"] = "float64"
    layers = [
        {"type": each} if isinstance(each, str) else each for each in spiral["model"]["layers"]
    ]
    for place in places:
        layers[place]["trainable"] = {"from_epoch": 4} if place else False
    spiral["model"]["layers"] = layers
    spiral["training"] |= {"epochs": 9, "log_every": 1, "metrics": []}
    jit, numpy = trained(spiral, "jit", out=tmp_path / "jit"), trained(spiral, "numpy")
    assert "dense" in engine_of(tmp_path / "jit")["kernels"]
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-9)
    start = declnet.build_model(parse_spec(spiral).model, (2,), spiral.get("seed", 0)).parameters()
    if 0 in places:
        assert (jit.model.parameters()["dense_1.weights"] == start["dense_1.weights"]).all()


def test_a_loss_that_is_not_finite_is_found(spiral, blobs):
    del spiral["data"]["train"]
    spiral["model"]["layers"][2]["units"] = 4
    x = blobs[0].copy()
    x[5, 5] = 1e38
    spiral["training"]["epochs"] = 20
    spiral["optimizer"] = {"type": "sgd", "learning_rate": 1e30}
    for kernels in ("numpy", "jit"):
        with pytest.raises(Exception, match="the loss is"):
            trained(spiral, kernels, (x, blobs[1]))


def test_the_manifest_says_which_kernels_computed(spiral, tmp_path):
    spiral["training"]["epochs"] = 2
    trained(spiral, "jit", out=tmp_path / "jit")
    trained(spiral, "auto", out=tmp_path / "auto")
    engine = engine_of(tmp_path / "jit")
    assert set(engine) == {"kernels", "numba", "llvmlite"}
    kernels = "adam_jit, dense_jit, dense_relu_jit, l2_jit, softmax_categorical_crossentropy_jit"
    assert engine["kernels"] == kernels
    assert engine_of(tmp_path / "auto") == {"kernels": "numpy"}  # two epochs gain nothing
    manifest = json.loads((tmp_path / "jit" / "manifest.json").read_text())
    assert set(manifest["components"]["kernel"]) == set(kernels.split(", "))


class Stop(Exception):
    """Whatever ends a process."""


def stop(event):
    if isinstance(event, EpochLogged) and event.epoch == 100:
        raise Stop


def test_a_run_is_resumed_to_the_same_bits_with_the_same_kernels(spiral, tmp_path):
    spiral["training"] |= {"batch_size": 50, "epochs": 151}
    spiral["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 40}]
    falling = {"type": "flat_cosine", "initial_rate": 0.2}
    spiral["model"]["layers"].insert(2, {"type": "dropout", "rate": falling})
    spec = parse_spec({**spiral, "engine": {"kernels": "jit"}})
    run(spec, out=tmp_path / "whole")
    with pytest.raises(Stop):
        run(spec, out=tmp_path / "out", listener=stop)
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    edited = json.loads(manifest) | {"engine": {"kernels": "numpy"}}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(edited))
    with pytest.raises(ResumeError, match="the kernels were numpy and are adam_jit, dense_jit"):
        resume(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text(manifest)
    resume(tmp_path / "out")
    for name in ("weights.safetensors", "history.jsonl", "metrics.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
