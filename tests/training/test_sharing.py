"""Layers that share parameters: trained, saved, loaded and frozen as one."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from declnet import Dataset, build_model, open_run, parse_spec, run

LAYERS = [
    {"type": "dense", "units": 2, "name": "first"},
    "tanh",
    {"type": "dense", "units": 2, "weights_from": "first"},
    "relu",
    {"type": "dense", "units": 2, "weights_from": "dense_2"},
    "tanh",
    {"type": "dense", "units": 3},
    "softmax",
]


@pytest.fixture
def spec(blobs):
    def make(layers=LAYERS, kernels="numpy", **training):
        return parse_spec(
            {
                "model": {"dtype": "float64", "layers": layers},
                "loss": "categorical_crossentropy",
                "optimizer": {"type": "adam", "learning_rate": 0.05},
                "training": {"epochs": 8, **training},
                "engine": {"kernels": kernels},
            }
        )

    return make


@pytest.mark.parametrize("kernels", ["numpy", "jit"])
def test_they_are_saved_once_and_predict_again(spec, blobs, tmp_path, kernels):
    if kernels == "jit":
        pytest.importorskip("numba")
    result = run(spec(kernels=kernels), data=blobs, out=tmp_path / "a")
    saved = load_file(tmp_path / "a" / "weights.safetensors")
    names = ("first.weights", "first.biases", "dense_4.weights", "dense_4.biases")
    assert set(saved) == set(names)
    again = open_run(tmp_path / "a").model().predict(blobs[0])
    assert again.tobytes() == result.model.predict(blobs[0]).tobytes()
    x, w, b = blobs[0], saved["first.weights"], saved["first.biases"]
    hidden = np.tanh(np.maximum(np.tanh(x @ w + b) @ w + b, 0) @ w + b)
    scores = hidden @ saved["dense_4.weights"] + saved["dense_4.biases"]
    exp = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(again, exp / exp.sum(axis=1, keepdims=True), rtol=1e-12)
    assert [layer.parameters for layer in result.model.summary()] == [6, *[0] * 5, 9, 0]


def test_compiled_kernels_train_as_numpy_does(spec, blobs):
    pytest.importorskip("numba")
    rows = [run(spec(kernels=kernels), data=blobs).history for kernels in ("numpy", "jit")]
    for numpy, jit in zip(*rows, strict=True):
        assert jit == pytest.approx(numpy, rel=1e-9, abs=1e-9)


def test_the_layer_that_has_them_freezes_them_for_all(spec, blobs):
    layers = [{**LAYERS[0], "trainable": {"from_epoch": 4}}, *LAYERS[1:]]
    short = run(spec(layers, epochs=4), data=blobs).model.parameters()
    start = run(spec([{**LAYERS[0], "trainable": False}, *LAYERS[1:]]), data=blobs)
    assert (short["first.weights"] == start.model.parameters()["first.weights"]).all()
    longer = run(spec(layers), data=Dataset(*blobs)).model.parameters()
    assert (longer["first.weights"] != short["first.weights"]).any()


def test_repetitions_of_a_block_share_within_themselves():
    block = [{"type": "dense", "units": 2}, "tanh", {**LAYERS[2], "weights_from": "dense"}, "tanh"]
    layers = [{"name": "trunk", "repeat": 2, "layers": block}, *LAYERS[-2:]]
    document = {"model": {"layers": layers}, "loss": "categorical_crossentropy"}
    spec = parse_spec({**document, "optimizer": "sgd", "training": {"epochs": 1}})
    keys = build_model(spec.model, (2,)).parameters()
    names = ("trunk_1_dense", "trunk_2_dense", "dense_5")
    assert set(keys) == {f"{name}.{part}" for name in names for part in ("weights", "biases")}
