"""Layers that share parameters: freezing."""

from __future__ import annotations

import pytest

from declnet import Dataset, parse_spec, run

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
    def make(layers=LAYERS, **training):
        return parse_spec(
            {
                "model": {"dtype": "float64", "layers": layers},
                "loss": "categorical_crossentropy",
                "optimizer": {"type": "adam", "learning_rate": 0.05},
                "training": {"epochs": 8, **training},
            }
        )

    return make


def test_the_owner_of_shared_parameters_freezes_them_for_all(spec, blobs):
    layers = [{**LAYERS[0], "trainable": {"from_epoch": 4}}, *LAYERS[1:]]
    short = run(spec(layers, epochs=4), data=blobs).model.parameters()
    start = run(spec([{**LAYERS[0], "trainable": False}, *LAYERS[1:]]), data=blobs)
    assert (short["first.weights"] == start.model.parameters()["first.weights"]).all()
    longer = run(spec(layers), data=Dataset(*blobs)).model.parameters()
    assert (longer["first.weights"] != short["first.weights"]).any()
