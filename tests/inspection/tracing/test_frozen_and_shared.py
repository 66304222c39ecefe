"""`declnet trace --verify` of steps with frozen layers, shared weights and groups."""

from __future__ import annotations

import json

import pytest

LAYERS = [
    {"type": "dense", "units": 4, "trainable": {"from_epoch": 2}},
    {"type": "batch_norm", "trainable": False},
    {"type": "tanh"},
    {"type": "dense", "units": 4, "name": "shared"},
    {"type": "tanh"},
    {"type": "dense", "units": 4, "weights_from": "shared"},
    {"type": "tanh"},
    {"type": "dense", "units": 3},
    {"type": "softmax"},
]


@pytest.mark.parametrize("epoch", [0, 3])
def test_every_gradient_agrees_with_central_differences(declnet_cli, spec_file, document, epoch):
    document["model"]["layers"] = LAYERS
    document["optimizer"] = {
        "type": "adam",
        "groups": [{"parameters": ["*.biases"], "type": "sgd"}],
    }
    document["training"] |= {"epochs": 6, "batch_size": 10}
    arguments = ("trace", spec_file(document), "--verify", "--format", "json", "--step", 3 * epoch)
    traced = json.loads(declnet_cli.succeeds(*arguments))
    layers = {layer["name"]: layer for layer in traced["layers"]}
    checked = {
        f"{name}.{parameter}"
        for name, layer in layers.items()
        for parameter, values in layer["parameters"].items()
        if values.get("gradient") is not None
    }
    always = {f"{name}.{part}" for name in ("shared", "dense_4") for part in ("weights", "biases")}
    late = {"dense_1.weights", "dense_1.biases"} if epoch else set()
    assert checked == always | late
