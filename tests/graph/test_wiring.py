"""Tests of wiring."""

from __future__ import annotations

from declnet.graph.wiring import wire
from declnet.spec.partial import LayerPart
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.dense import Dense


def test_invalid_layers_count_in_the_names_of_other_layers():
    layers = [None, Dense(units=2), None, None, ReLU(inputs=("dense_1",))]
    names, types = [None, None, "own", None, None], ["dense", None, "dense", None, None]
    wires, problems = wire([LayerPart(*parts) for parts in zip(layers, names, types, strict=True)])
    assert [wire.name for wire in wires] == ["dense_1", "dense_2", "own", "layer 3", "relu_1"]
    assert wires[4].inputs == (1,)
    assert problems == []
