"""Tests of wiring."""

from __future__ import annotations

from declnet.graph.wiring import parts_of, wire
from declnet.spec.partial import LayerPart
from declnet_plugins.standard.layers import Dense, ReLU


def named(kind, name=None, inputs=None, **fields):
    return kind(name=name, inputs=inputs, **fields)


def test_names_are_type_and_count_and_inputs_the_layer_before():
    layers = [Dense(units=2), ReLU(name="first"), Dense(units=2), ReLU()]
    wires, problems = wire(parts_of(layers))
    assert problems == []
    assert [each.name for each in wires] == ["dense_1", "first", "dense_2", "relu_2"]
    assert [each.inputs for each in wires] == [(0,), (1,), (2,), (3,)]


def test_layers_that_could_not_be_read_count_for_the_names_of_the_others():
    layers = [None, Dense(units=2), None, None, named(ReLU, inputs=("dense_1",))]
    names, types = [None, None, "own", None, None], ["dense", None, "dense", None, None]
    wires, problems = wire([LayerPart(*each) for each in zip(layers, names, types, strict=True)])
    assert [each.name for each in wires] == ["dense_1", "dense_2", "own", "layer 3", "relu_1"]
    assert wires[4].inputs == (1,)
    assert problems == []
